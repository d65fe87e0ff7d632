"""Commands about model bundles."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from napari_bonemarrow.cli.common import (
    BUNDLE_HELP,
    AsJson,
    Debug,
    Device,
    Seed,
    progress,
    say,
    show_json,
    tell,
)

app = typer.Typer(no_args_is_help=True, help="List, show, import and export bundles; fetch backbones.")


@app.command(name="list")
def list_(as_json: AsJson = False, debug: Debug = False) -> None:
    """List the names of bundles for --model.

    Example: napari-bonemarrow models list
    """
    from napari_bonemarrow.models import Bundle, BundleError, list_bundles

    entries = []
    for name in list_bundles():
        try:
            bundle = Bundle.open(name)
        except BundleError as error:
            entries.append({"name": name, "error": str(error)})
        else:
            learnt = sum(support == "trained" for support in bundle.support.values())
            entries.append(
                {
                    "name": name,
                    "architecture": bundle.card.architecture,
                    "version": bundle.card.version,
                    "classes": str(len(bundle.card.classes)),
                    "learnt_from_marrow": str(learnt),
                    "sha256": bundle.sha256,
                }
            )
    if as_json:
        show_json(entries)
        return
    for entry in entries:
        if "error" in entry:
            say(f"{entry['name']}  broken: {entry['error']}")
        else:
            say(
                f"{entry['name']}  {entry['architecture']}  {entry['classes']} classes, "
                f"{entry['learnt_from_marrow']} learnt from marrow  {entry['sha256'][:12]}"
            )


@app.command()
def show(
    name: Annotated[str, typer.Argument(help=BUNDLE_HELP, metavar="NAME|DIR")],
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show a bundle's card: its training data, figures and limits.

    Example: napari-bonemarrow models show starter
    """
    from napari_bonemarrow.cytology.plurals import count_of
    from napari_bonemarrow.models import Bundle

    bundle = Bundle.open(name)
    card = bundle.card
    if as_json:
        show_json({"path": str(bundle.path), "sha256": bundle.sha256, "card": card.model_dump(mode="json")})
        return
    say(f"{card.name} {card.version}: {card.architecture}, {bundle.sha256[:12]}, in {bundle.path}")
    say(f"crops: {card.crop_size} px at {card.microns_per_pixel:g} µm/px")
    for support in ("trained", "few", "transferred", "none"):
        codes = [code for code in card.classes if card.support[code] == support]
        say(f"support {support}: {', '.join(codes) or '–'}")
    for source in card.training_data:
        say(
            f"taught with {count_of(source.images, 'image')} of {source.name} ({source.licence}; "
            f"{source.attribution})"
        )
    if card.initialised_from:
        say(f"began with {card.initialised_from}")
    for figures in card.metrics:
        say(
            f"{figures.source}: balanced accuracy {figures.balanced_accuracy:.3f} over "
            f"{count_of(len(figures.classes), 'class')}, accuracy {figures.accuracy:.3f}, n {figures.n} "
            f"({figures.protocol})"
        )
    if card.domain is None:
        say("no out-of-domain check: the bundle holds no statistics for it")
    else:
        taught, held = sum(card.domain.taught.values()), sum(card.domain.held_out.values())
        say(f"out-of-domain check: statistics of {taught} training crops, ranked by {held} held-out ones")
    for line in (card.intended_use, *card.limits, card.notice):
        say(line)


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="PyTorch weights.", metavar="FILE.pt")],
    architecture: Annotated[str, typer.Option(help="Architecture of the weights.")],
    classes: Annotated[
        str | None,
        typer.Option(help="Codes in the order of the outputs.  [default: the 21]", metavar="CODE,..."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the bundle.  [default: the file's stem]")] = None,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Make a bundle from a .pt or .pth file, which may contain only weights.

    Example: napari-bonemarrow models import weights.pt --architecture resnet18
    """
    from napari_bonemarrow.cytology import BMC21
    from napari_bonemarrow.models import import_checkpoint

    codes = BMC21 if classes is None else tuple(code.strip() for code in classes.split(","))
    bundle = import_checkpoint(file, architecture=architecture, classes=codes, name=name)
    if as_json:
        show_json({"name": bundle.card.name, "path": str(bundle.path), "sha256": bundle.sha256})
    else:
        tell(f"{bundle.card.name} is in {bundle.path}")


@app.command()
def domain(
    name: Annotated[str, typer.Argument(help=BUNDLE_HELP, metavar="NAME|DIR")],
    data: Annotated[Path, typer.Argument(help="Folder of its training data.", metavar="DATA")],
    split: Annotated[
        str,
        typer.Option(help="Split of its training.", metavar="FILE|NAME", show_default=False),
    ],
    device: Device = "auto",
    seed: Seed = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Add statistics by which a bundle recognises smears unlike its training data; `train` adds them itself.

    Weights do not change. Only training and calibration images are used.

    Example: napari-bonemarrow models domain runs/first/bundle crops/ --split runs/first/split.csv
    """
    from napari_bonemarrow.training.fitting.domain_statistics import add_domain_from

    with progress("Looking at") as report:
        bundle = add_domain_from(
            name,
            data,
            split,
            device=device,
            seed=seed,
            report=lambda done, total: report(10 * done // total, 10, f"{done} of {total} crops"),
        )
    found = bundle.card.domain
    if as_json:
        show_json({"path": str(bundle.path), "domain": found and found.model_dump(mode="json")})
    elif found is None:
        tell(f"{bundle.card.name}: no statistics: too few images, or a network without features")
    else:
        taught, held = sum(found.taught.values()), sum(found.held_out.values())
        tell(f"statistics of {taught} training and {held} held-out crops are in {bundle.path}")


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="dinobloom_s|b|l|g or dinov2_s|b|l|g.", metavar="NAME")],
    url: Annotated[
        str | None, typer.Option(help="Another address of the same file, such as a mirror.", metavar="URL")
    ] = None,
    sha256: Annotated[str | None, typer.Option(help="Required digest of the file.", metavar="HEX")] = None,
    trust_first: Annotated[
        bool,
        typer.Option(
            "--trust-first", help="Without a known digest: trust the first download, check later ones."
        ),
    ] = False,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Download a published backbone to train from; run again to continue an interrupted download.

    Example: napari-bonemarrow models fetch dinobloom_s
    """
    from napari_bonemarrow.models.bundles.download import fetch as fetch_weights

    with progress("Fetching") as report:

        def received(done: int, total: int) -> None:
            size = f"{done / 1e6:.0f} of {total / 1e6:.0f} MB" if total else f"{done / 1e6:.0f} MB"
            report(10 * done // total if total else 0, 10, size)

        got = fetch_weights(name, url=url, sha256=sha256, trust_first=trust_first, progress=received)
    if as_json:
        show_json(
            {
                "name": name,
                "path": str(got.path),
                "sha256": got.sha256,
                "licence": got.published.licence,
                "attribution": got.published.attribution,
            }
        )
    else:
        tell(f"{name} is in {got.path} (sha256 {got.sha256[:12]}): {got.published.attribution}")
        tell(f"{got.published.licence}; train it: --architecture {name} --init {name}")


@app.command()
def export(
    name: Annotated[str, typer.Argument(help=BUNDLE_HELP, metavar="NAME|DIR")],
    out: Annotated[Path, typer.Option("--out", help="The file.", metavar="FILE", show_default=False)],
    format_: Annotated[Literal["onnx"], typer.Option("--format", help="Only onnx so far.")] = "onnx",
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Write a bundle's network with its calibration, for programs without torch.

    Example: napari-bonemarrow models export starter --out starter.onnx
    """
    from napari_bonemarrow.models.weights.onnx_export import export_onnx

    path = export_onnx(name, out)
    if as_json:
        show_json({"path": str(path)})
    else:
        tell(f"{name} is in {path}")
