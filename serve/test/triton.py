"""Triton's Python client over HTTP and gRPC: triton.py ADDRESS DIR PROTO, where
DIR has inputs NAME.npy and the bytes NAME.want that are to come back. PROTO is
the protocol's file, of which the client's modules are made that its sources lack:
with protoc and its plugin grpc_python_plugin."""

import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

sys.path.insert(0, os.environ["TRITONCLIENT"])
from tritonclient.utils import InferenceServerException  # noqa: E402


def generated(proto):
    """Lets the client import what would be made of Triton's own files, whose
    names of messages are the same."""
    name = os.path.splitext(os.path.basename(proto))[0]
    with tempfile.TemporaryDirectory() as folder:
        plugin = shutil.which("grpc_python_plugin")
        subprocess.run(["protoc", f"-I{os.path.dirname(proto)}", f"--plugin=protoc-gen-grpc_python={plugin}",
                        f"--python_out={folder}", f"--grpc_python_out={folder}", proto], check=True)
        sys.path.insert(0, folder)
        messages, stubs = importlib.import_module(f"{name}_pb2"), importlib.import_module(f"{name}_pb2_grpc")
        sys.path.pop(0)
    for module, value in {"service_pb2": messages, "model_config_pb2": messages, "service_pb2_grpc": stubs}.items():
        sys.modules[f"tritonclient.grpc.{module}"] = value


@dataclass
class Transport:
    """What the client's two packages do not have in common."""

    client: types.ModuleType
    fields: Callable  # of an answer, as a dict
    inputs: list  # forms in which an input's data go, for set_data_from_numpy
    outputs: list  # and in which outputs come, for InferRequestedOutput
    requests: list  # forms of requests, for infer


def over_http():
    import tritonclient.http as client
    forms = [{"binary_data": True}, {"binary_data": False}]
    return Transport(client, lambda answer: answer, forms, forms, [{"request_compression_algorithm": c} for c in COMPRESSIONS])


def over_grpc():
    import tritonclient.grpc as client
    from google.protobuf.json_format import MessageToDict
    requests = [{"compression_algorithm": c} for c in COMPRESSIONS] + [{"timeout": 10_000_000, "priority": 1}]
    return Transport(client, lambda answer: MessageToDict(answer, preserving_proto_field_name=True), [{}], [{}], requests)


COMPRESSIONS = [None, "gzip", "deflate"]
DATATYPES = {"fractions": ["FP32", "FP64", "FP16"], "bits": ["UINT8", "UINT16", "UINT32", "INT8", "INT16", "INT32", "INT64", "BOOL"]}


def check(transport, address, folder):
    """Asks in every form, and returns in how many."""
    module, fields = transport.client, transport.fields
    client = module.InferenceServerClient(address)
    assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
    assert fields(client.get_server_metadata())["name"] == "infer"
    assert fields(client.get_model_metadata("digits"))["inputs"][0]["name"] == "input"
    config = fields(client.get_model_config("digits"))
    assert config.get("config", config)["max_batch_size"] == 8  # gRPC has a message around it, and around the list
    index = client.get_model_repository_index()
    assert (index if isinstance(index, list) else fields(index)["models"])[0]["state"] == "READY"

    def counted():
        return int(fields(client.get_inference_statistics("digits"))["model_stats"][0]["inference_count"])

    before, checks = counted(), 0
    for name, datatypes in DATATYPES.items():
        x = np.load(f"{folder}/{name}.npy")
        with open(f"{folder}/{name}.want", "rb") as f:
            want = f.read()
        for datatype in datatypes:
            given = x.astype(datatype.lower().replace("fp", "float"))
            for form in transport.inputs:
                if datatype == "FP16" and form.get("binary_data") is False:
                    continue  # JSON has none
                tensor = module.InferInput("input", list(given.shape), datatype)
                tensor.set_data_from_numpy(given, **form)
                for outputs in [None] + [[module.InferRequestedOutput("output", **o)] for o in transport.outputs]:
                    for more in transport.requests:
                        result = client.infer("digits", [tensor], outputs=outputs, request_id="7", **more)
                        got = result.as_numpy("output").astype(np.float32).tobytes()
                        assert got == want, (datatype, form, outputs, more)
                        assert fields(result.get_response())["id"] == "7"
                        checks += 1

    classes = client.infer("digits", [tensor], outputs=[module.InferRequestedOutput("output", class_count=3)]).as_numpy("output")
    assert classes.shape == (3, 3) and b":" in classes[0][0], classes
    assert counted() == before + 3 * (checks + 1)
    try:
        client.infer("none", [tensor])
    except InferenceServerException as e:
        assert "no such model" in e.message(), e
    else:
        raise AssertionError("a model answers that is not there")
    client.close()
    return checks


def main():
    address, folder, proto = sys.argv[1:]
    generated(proto)
    for name, over in ("HTTP", over_http), ("gRPC", over_grpc):
        print(f"Triton's Python client over {name}: {check(over(), address, folder)} forms of requests")


if __name__ == "__main__":
    main()
