"""Record of a count as plain data: signatures, readings, the manual tally and the journal."""

from __future__ import annotations

from typing import Any

from napari_bonemarrow.cytology import Differential
from napari_bonemarrow.cytology.messages import listed
from napari_bonemarrow.cytology.statements import UNAUTHENTICATED
from napari_bonemarrow.review import (
    Authentication,
    Case,
    Event,
    EventKind,
    Signature,
    Timestamp,
    TimestampTrust,
    authentication,
    fingerprint_of,
    is_imported,
    timestamp_of,
)


def record_document(case: Case) -> dict[str, Any]:
    """Return the part of ``differential.json`` besides the count.

    Parameters
    ----------
    case : Case

    Returns
    -------
    dict
        ``model_only``, ``signatures``, ``readings``, ``agreement``, ``tally``, ``imports`` and ``journal``.
        In a blind reading it contains neither the model's count nor the other reader.
    """
    model = model_count(case)
    return {
        "model_only": None if model is None else _count(model),
        "signatures": [
            {**_signature(each, case.signature), "date_in_doubt": case.history.date_in_doubt(each.seq)}
            for each in case.sign_off.signatures
        ],
        "readings": _readings(case),
        "agreement": _agreement(case),
        "tally": _tally(case),
        "imports": _imports(case),
        "journal": {
            "lines": case.history.last.seq,
            "head": case.history.last.hash,
            "ok": not case.distrust,
            "distrust": case.distrust or None,
            "clock": case.history.clock_note or None,
        },
    }


def model_count(case: Case) -> Differential | None:
    """Return the model's own count, None without predictions or in a blind reading."""
    if case.predictions is None or case.is_blind:
        return None
    return case.statistics.model_differential()


def _count(differential: Differential) -> dict[str, Any]:
    whole = differential.to_dict()
    return {name: whole[name] for name in ("counted", "excluded", "classes", "groups", "ratios")}


def _signature(signature: Signature, in_force: Signature | None) -> dict[str, Any]:
    value: dict[str, Any] = {
        **signature.to_json(),
        "at": signature.at,
        "line": signature.seq,
        "amended": signature.amended,
    }
    word, text = authentication(signature)
    value.setdefault("estimate", None)
    key = value.pop("key", None)
    value["key"] = None if key is None else {**key, "fingerprint": fingerprint_of(signature.public)}
    stamp = timestamp_of(signature.timestamp, bytes.fromhex(signature.proof))
    value["timestamp"] = None if stamp.trust is TimestampTrust.NONE else _stamp(stamp)
    return {
        **value,
        "in_force": in_force is not None and in_force.seq == signature.seq,
        "authentication": str(word),
        "told": listed(filter(None, (text, stamp.text)), "; "),
        "chain": UNAUTHENTICATED if word is Authentication.NONE else text,
    }


def _stamp(stamp: Timestamp) -> dict[str, Any]:
    at = None if stamp.at is None else f"{stamp.at:%Y-%m-%dT%H:%M:%S}Z"
    return {"at": at, "standing": str(stamp.trust), "text": stamp.text}


def _readings(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "number": reading.number,
            "reviewer": reading.reviewer,
            "kind": reading.kind,
            "begun_at": reading.begun_at,
            "ended_at": reading.ended_at,
            "counted_here": reading.number == case.reading,
        }
        for reading in case.readings.all
    ]


def _agreement(case: Case) -> dict[str, Any] | None:
    found = case.readings.agreement() if case.readings.both_ended else None
    if found is None:
        return None
    return {**found.to_dict(), "unsettled": len(case.readings.disagreements())}


def _imports(case: Case) -> list[dict[str, Any]]:
    """Return the imported label files: by whom, when, and whether that person vouches for them."""
    standing: dict[int, Event] = {}
    lines = [] if case.is_blind else case.history.events()
    for event in lines:
        if event.kind == EventKind.LABELS_IMPORTED:
            standing[event.seq] = event
        elif event.kind == EventKind.UNDO:
            standing.pop(event.refers or 0, None)
        elif event.kind == EventKind.REDO:
            act = lines[(event.refers or 1) - 1]
            if act.kind == EventKind.LABELS_IMPORTED:
                standing[act.seq] = act
    return [
        {
            "by": event.reviewer,
            "at": event.at,
            "sha256": event.new["sha256"],
            "cells": len(event.cells),
            "vouched": not is_imported(event.source),
        }
        for event in standing.values()
    ]


def _tally(case: Case) -> dict[str, Any] | None:
    """Return the manual tally, separate from detected cells; None without one."""
    if not case.tally.total:
        return None
    fields = [dict(field) for field in case.tally.fields if field]
    return {"fields": fields, **_count(case.tally.differential())}
