"""Backbones with random weights, small, in the layouts that DINOv2 and DinoBloom publish theirs in.

The reference is another implementation: that of transformers. Its weights are written here in DINOv2's own
names, by DINOv2's own rules (three projections in one, the gate first).
"""

from __future__ import annotations

import re

import timm
import torch
from torch import Tensor, nn
from transformers import Dinov2Config, Dinov2Model

WIDTH, DEPTH, HEADS = 96, 3, 3


def reference(size: int = 56, swiglu: bool = False) -> Dinov2Model:
    torch.manual_seed(1)
    config = Dinov2Config(
        hidden_size=WIDTH,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        image_size=size,
        patch_size=14,
        use_swiglu_ffn=swiglu,
    )
    model = Dinov2Model(config).eval().requires_grad_(False)
    for parameter in model.parameters():  # none stays at one or zero, so that none can be left out
        parameter.add_(torch.randn_like(parameter) * 0.1)
    return model


def network(size: int = 56, swiglu: bool = False, classes: int = 5) -> nn.Module:
    """What `build` makes for a backbone, but small."""
    torch.manual_seed(2)
    name = "vit_giant_patch14_dinov2" if swiglu else "vit_small_patch14_dinov2"
    options = {"embed_dim": WIDTH, "depth": DEPTH, "num_heads": HEADS}
    return timm.create_model(
        name, num_classes=classes, img_size=size, dynamic_img_size=True, **options
    ).eval()


def in_dinov2s_names(model: Dinov2Model) -> dict[str, Tensor]:
    """Write transformers' weights as facebookresearch/dinov2 does."""
    theirs = dict(model.state_dict())

    def pick(*names: str) -> Tensor:  # transformers has renamed some between its versions
        return next(theirs.pop(name) for name in names if name in theirs)

    ours = {
        "cls_token": pick("embeddings.cls_token"),
        "mask_token": pick("embeddings.mask_token"),
        "pos_embed": pick("embeddings.position_embeddings"),
    }
    for kind in ("weight", "bias"):
        ours[f"patch_embed.proj.{kind}"] = pick(f"embeddings.patch_embeddings.projection.{kind}")
        ours[f"norm.{kind}"] = pick(f"layernorm.{kind}")
        for i in range(DEPTH):
            old, new = f"encoder.layer.{i}", f"blocks.{i}"
            attention = [
                pick(f"{old}.attention.{short}_proj.{kind}", f"{old}.attention.attention.{long}.{kind}")
                for short, long in (("q", "query"), ("k", "key"), ("v", "value"))
            ]
            ours[f"{new}.attn.qkv.{kind}"] = torch.cat(attention)
            ours[f"{new}.attn.proj.{kind}"] = pick(
                f"{old}.attention.o_proj.{kind}", f"{old}.attention.output.dense.{kind}"
            )
            for each in ("norm1", "norm2"):
                ours[f"{new}.{each}.{kind}"] = pick(f"{old}.{each}.{kind}")
            ours |= {f"{new}.mlp.{name}": tensor for name, tensor in _mlp(pick, theirs, old, kind)}
    for i in range(DEPTH):
        for k in (1, 2):
            ours[f"blocks.{i}.ls{k}.gamma"] = pick(f"encoder.layer.{i}.layer_scale{k}.lambda1")
    assert not theirs, sorted(theirs)
    return ours


def _mlp(pick, theirs: dict[str, Tensor], old: str, kind: str) -> list[tuple[str, Tensor]]:
    if f"{old}.mlp.gate_proj.{kind}" in theirs:
        gated = torch.cat([pick(f"{old}.mlp.gate_proj.{kind}"), pick(f"{old}.mlp.up_proj.{kind}")])
        return [(f"w12.{kind}", gated), (f"w3.{kind}", pick(f"{old}.mlp.down_proj.{kind}"))]
    if f"{old}.mlp.weights_in.{kind}" in theirs:
        return [
            (f"w12.{kind}", pick(f"{old}.mlp.weights_in.{kind}")),
            (f"w3.{kind}", pick(f"{old}.mlp.weights_out.{kind}")),
        ]
    return [(f"{name}.{kind}", pick(f"{old}.mlp.{name}.{kind}")) for name in ("fc1", "fc2")]


def as_dinobloom(weights: dict[str, Tensor], chunk: int = 0) -> dict[str, object]:
    """Wrap a backbone as a training checkpoint of DINOv2: teacher, its heads, and what is beside it."""
    teacher = {f"backbone.{_chunked(name, chunk)}": tensor for name, tensor in weights.items()}
    for head in ("dino_head", "ibot_head"):
        teacher |= {
            f"{head}.mlp.0.weight": torch.randn(8, WIDTH),
            f"{head}.mlp.0.bias": torch.randn(8),
            f"{head}.last_layer.weight_g": torch.ones(4, 1),
            f"{head}.last_layer.weight_v": torch.randn(4, 8),
        }
    return {"teacher": teacher, "iteration": 4099}


def _chunked(name: str, chunk: int) -> str:
    """Number a block by its chunk, then by itself: ``blocks.1.2.`` for the third of chunks of two."""
    if not chunk:
        return name
    return re.sub(r"^blocks\.(\d+)", lambda m: f"blocks.{int(m[1]) // chunk}.{m[1]}", name)


def class_token(model: nn.Module, images: Tensor) -> Tensor:
    """What timm's network says before its last layer."""
    with torch.inference_mode():
        return model.forward_head(model.forward_features(images), pre_logits=True)
