from __future__ import annotations

import copy
import sys

import pytest
import torch
from torch import nn

from napari_bonemarrow.models import BundleError
from napari_bonemarrow.models.networks.adapters import merge_tuning, prepare_tuning
from napari_bonemarrow.models.networks.architectures import build, head_of
from tests.models.published import network


def backbone() -> nn.Module:
    model = network(size=28, classes=3)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("gamma"):  # begins at 1e-5: the blocks would say next to nothing
                parameter.fill_(0.5)
    return model


def fit(model: nn.Module, images: torch.Tensor, labels: torch.Tensor, steps: int = 12) -> list[float]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
    losses = []
    for _ in range(steps):
        model.train()
        optimizer.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


def batch(size: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(6, 3, size, size, generator=generator), torch.tensor([0, 1, 2, 0, 1, 2])


def changed(before: dict[str, torch.Tensor], model: nn.Module) -> set[str]:
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}


def test_all_weights_are_open_as_before() -> None:
    model = build("mobilenet_v3_small", 3)
    assert prepare_tuning(model, "mobilenet_v3_small", "all", 4) is model
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_a_fit_of_the_head_changes_the_head_alone() -> None:
    torch.manual_seed(0)
    model = prepare_tuning(build("resnet18", 3), "resnet18", "head", 4)
    twin = copy.deepcopy(model)  # as the running average is made
    before = copy.deepcopy(model.state_dict())
    losses = fit(model, *batch(32))
    assert losses[-1] < losses[0]
    # Nor do the norms move their statistics.
    assert changed(before, model) == {"fc.weight", "fc.bias"}
    twin.train()
    assert not any(m.training for m in twin.modules() if isinstance(m, nn.BatchNorm2d))
    assert twin.training
    assert not changed(before, twin)


def test_adapters_learn_and_are_merged_into_plain_weights() -> None:
    torch.manual_seed(0)
    images, labels = batch(28)
    plain = backbone()
    before, names = copy.deepcopy(plain.state_dict()), set(plain.state_dict())
    untouched = plain.eval()(images)
    model = prepare_tuning(plain, "dinobloom_s", "lora", 4)
    torch.testing.assert_close(model.eval()(images), untouched)  # adapters begin at nothing
    open_ = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert {name for name in open_ if "lora_" not in name} == {"head.weight", "head.bias"}
    assert len(open_) == 2 + 2 * 4 * 3  # two matrices beside each of four layers in three blocks
    assert next(p for name, p in model.named_parameters() if "lora_A" in name).shape[0] == 4
    average = copy.deepcopy(model)
    losses = fit(model, images, labels)
    assert losses[-1] < 0.7 * losses[0]
    average.load_state_dict(model.state_dict())
    with torch.inference_mode():
        fitted = model.eval()(images)
    merged = merge_tuning(average.eval())
    assert set(merged.state_dict()) == names
    with torch.inference_mode():
        torch.testing.assert_close(merged(images), fitted, rtol=1e-4, atol=1e-5)
    other = {name.rsplit(".", 1)[0].split(".", 2)[-1] for name in changed(before, merged)}
    assert other == {"attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2", "head"}
    fresh = backbone()
    fresh.load_state_dict(merged.state_dict())
    assert merge_tuning(fresh) is fresh, "without adapters there is nothing to do"


def test_lora_needs_a_transformer() -> None:
    model = build("sequential", 3)
    with pytest.raises(BundleError, match="LoRA adapts transformers, and sequential is a convolutional"):
        prepare_tuning(model, "sequential", "lora", 4)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_lora_needs_peft(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(BundleError, match=r"needs peft; run: pip install 'napari-bonemarrow\[training\]'"):
        prepare_tuning(backbone(), "dinobloom_s", "lora", 4)


def test_timms_transformers_take_adapters() -> None:
    model = prepare_tuning(build("timm:deit_tiny_patch16_224", 3), "timm:deit_tiny_patch16_224", "lora", 2)
    assert sum("lora_A" in name for name, _ in model.named_parameters()) == 12 * 4
    assert head_of(model, "timm:deit_tiny_patch16_224").weight.requires_grad
