from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from napari_bonemarrow.models import BundleError
from napari_bonemarrow.models.networks.architectures import build, head_of
from napari_bonemarrow.models.networks.foundation import in_timms_names, load_backbone
from napari_bonemarrow.models.networks.pretrained import (
    IMAGENET_NORMALISATION,
    given_normalisation,
    initialise,
    origin,
)
from tests.models.published import as_dinobloom, class_token, in_dinov2s_names, network, reference


def images(size: int = 56) -> torch.Tensor:
    return torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(0))


def expected(model: torch.nn.Module, size: int = 56) -> torch.Tensor:
    with torch.inference_mode():
        return model(images(size)).last_hidden_state[:, 0]


def agree(told: torch.Tensor, truth: torch.Tensor) -> None:
    assert truth.std() > 0.1, "the reference tells images apart"
    torch.testing.assert_close(told, truth, rtol=0, atol=1e-4)


@pytest.mark.parametrize("chunk", [0, 2])
@pytest.mark.parametrize("swiglu", [False, True], ids=["mlp", "swiglu"])
def test_dinobloom_says_what_another_implementation_says(tmp_path: Path, swiglu: bool, chunk: int) -> None:
    model, ours = reference(swiglu=swiglu), network(swiglu=swiglu)
    torch.save(as_dinobloom(in_dinov2s_names(model), chunk), tmp_path / "DinoBloom-X.pth")
    head = head_of(ours, "dinobloom_s").weight.clone()
    load_backbone(ours, "dinobloom_s", tmp_path / "DinoBloom-X.pth")
    agree(class_token(ours, images()), expected(model))
    assert torch.equal(head_of(ours, "dinobloom_s").weight, head), "the last layer is not the file's"


@pytest.mark.parametrize("swiglu", [False, True], ids=["mlp", "swiglu"])
def test_dinov2_with_positions_of_larger_images(tmp_path: Path, swiglu: bool) -> None:
    model, ours = reference(size=126, swiglu=swiglu), network(size=56, swiglu=swiglu)
    torch.save(in_dinov2s_names(model), tmp_path / "dinov2_pretrain.pth")
    load_backbone(ours, "dinov2_s", tmp_path / "dinov2_pretrain.pth")
    agree(class_token(ours, images()), expected(model))  # the reference interpolates when it is asked


def test_a_port_for_timm(tmp_path: Path) -> None:
    model, ours = reference(swiglu=True), network(swiglu=True)
    port = {name: tensor.contiguous() for name, tensor in in_timms_names(in_dinov2s_names(model)).items()}
    assert set(port) == {name for name in ours.state_dict() if not name.startswith("head")}
    save_file(port, tmp_path / "model.safetensors")
    load_backbone(ours, "dinobloom_g", tmp_path / "model.safetensors")
    agree(class_token(ours, images()), expected(model))


def test_half_precision_is_read_as_float32(tmp_path: Path) -> None:
    model, ours = reference(), network()
    halved = {name: tensor.half() for name, tensor in in_dinov2s_names(model).items()}
    torch.save(halved, tmp_path / "half.pth")
    load_backbone(ours, "dinov2_s", tmp_path / "half.pth")
    assert {p.dtype for p in ours.parameters()} == {torch.float32}
    torch.testing.assert_close(class_token(ours, images()), expected(model), rtol=0, atol=0.05)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda w: w.pop("norm.bias"), "lacks norm.bias; name its"),
        (lambda w: [w.pop(k) for k in list(w) if ".ls1." in k], "lacks blocks.0.ls1.gamma and 2 more"),
        (lambda w: w.update(extra=torch.zeros(1)), "holds extra that has no place there"),
        (
            lambda w: w.update({"blocks.1.attn.qkv.weight": torch.zeros(9, 96)}),
            "blocks.1.attn.qkv.weight is 9×96, not 288×96",
        ),
        (lambda w: w["norm.weight"].fill_(torch.nan), "norm.weight holds NaN"),
        (
            lambda w: w.update(cls_token=torch.zeros(1, 1, 768)),
            "768 wide, .* it fits dinobloom_b",
        ),
        (lambda w: w.update(cls_token=torch.zeros(1, 1, 7)), "7 wide, not dinobloom_s; it fits none"),
        (lambda w: w.update(register_tokens=torch.zeros(1, 4, 96)), "with registers"),
        (lambda w: w.update(pos_embed=torch.zeros(1, 12, 96)), "pos_embed is 1×12×96, not 1×17×96"),
    ],
)
def test_every_key_is_checked(tmp_path: Path, change, said: str) -> None:
    weights = {name: tensor.clone() for name, tensor in in_dinov2s_names(reference()).items()}
    change(weights)
    torch.save(as_dinobloom(weights), tmp_path / "x.pth")
    ours = network()
    before = {name: tensor.clone() for name, tensor in ours.state_dict().items()}
    with pytest.raises(BundleError, match=said) as raised:
        load_backbone(ours, "dinobloom_s", tmp_path / "x.pth")
    assert "\n" not in str(raised.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in ours.state_dict().items())


class Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.path,)


def test_code_is_refused_and_not_run(tmp_path: Path) -> None:
    document = {**as_dinobloom(in_dinov2s_names(reference())), "config": Trap(tmp_path / "sprung")}
    torch.save(document, tmp_path / "x.pth")
    with pytest.raises(BundleError, match="carries code"):
        load_backbone(network(), "dinobloom_s", tmp_path / "x.pth")
    assert not (tmp_path / "sprung").exists()


def test_a_network_begins_with_a_file(tmp_path: Path) -> None:
    """The whole backbone as training builds it, from a file in DinoBloom's layout."""
    torch.manual_seed(0)
    taught, fresh = build("dinobloom_s", 7).eval(), build("dinobloom_s", 3).eval()
    weights = {name: t for name, t in taught.state_dict().items() if not name.startswith("head")}
    assert weights["pos_embed"].shape == (1, 257, 384)
    weights["mask_token"] = torch.zeros(1, 384)
    torch.save(as_dinobloom(weights, chunk=3), tmp_path / "DinoBloom-S.pth")
    init = str(tmp_path / "DinoBloom-S.pth")
    assert initialise(fresh, "dinobloom_s", init)
    small = images(28)
    torch.testing.assert_close(class_token(fresh, small), class_token(taught, small))
    said = origin("dinobloom_s", init)
    assert said is not None
    assert said.startswith("DinoBloom-S.pth (sha256 ")
    assert said.endswith("Apache-2.0")
    assert str(tmp_path) not in said
    assert given_normalisation("dinobloom_s", init, "all") == IMAGENET_NORMALISATION


def test_other_networks_begin_with_a_file_of_their_own(tmp_path: Path) -> None:
    torch.manual_seed(0)
    taught = build("resnet18", 1000).state_dict()
    old = {name: tensor for name, tensor in taught.items() if not name.endswith("num_batches_tracked")}
    torch.save(old, tmp_path / "resnet18.pth")
    network = build("resnet18", 3)
    head = network.fc.weight.clone()
    assert initialise(network, "resnet18", str(tmp_path / "resnet18.pth"))
    assert torch.equal(network.conv1.weight, taught["conv1.weight"])
    assert torch.equal(network.fc.weight, head)
    with pytest.raises(
        BundleError, match=r"not weights of sequential: lacks features.0.bias and \d+ more, and"
    ):
        initialise(build("sequential", 3), "sequential", str(tmp_path / "resnet18.pth"))


def test_what_else_a_network_begins_with() -> None:
    network = build("sequential", 3)
    assert initialise(network, "sequential", "none")
    assert origin("sequential", "none") is None
    assert not initialise(network, "sequential", "starter"), "a bundle is left to training"
    assert origin("sequential", "starter") == "starter"
    assert given_normalisation("sequential", "none", "all") is None
    with pytest.raises(BundleError, match="dinov2_s: are weights of a backbone, not of sequential"):
        initialise(network, "sequential", "dinov2_s")
    with pytest.raises(BundleError, match="there are no ImageNet weights for 'sequential'"):
        initialise(network, "sequential", "imagenet")
