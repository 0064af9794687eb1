"""Triton's Python client over HTTP: triton.py ADDRESS DIR, where DIR has inputs
NAME.npy and the bytes NAME.want that are to come back."""

import os
import sys

import numpy as np

sys.path.insert(0, os.environ["TRITONCLIENT"])
import tritonclient.http as http  # noqa: E402

address, folder = sys.argv[1:]
client = http.InferenceServerClient(address)
assert client.is_server_live() and client.is_server_ready() and client.is_model_ready("digits")
assert client.get_server_metadata()["name"] == "infer"
assert client.get_model_metadata("digits")["inputs"][0]["name"] == "input"
assert client.get_model_config("digits")["max_batch_size"] == 8
assert client.get_model_repository_index()[0]["state"] == "READY"

checks = 0
for name, types in {"fractions": ["FP32", "FP64", "FP16"], "bits": ["UINT8", "UINT16", "UINT32", "INT8", "INT16", "INT32", "INT64", "BOOL"]}.items():
    x = np.load(f"{folder}/{name}.npy")
    with open(f"{folder}/{name}.want", "rb") as f:
        want = f.read()
    for datatype in types:
        given = x.astype(datatype.lower().replace("fp", "float"))
        for binary_in in (True, False):
            if datatype == "FP16" and not binary_in:
                continue  # JSON has none
            tensor = http.InferInput("input", list(given.shape), datatype)
            tensor.set_data_from_numpy(given, binary_data=binary_in)
            for outputs in (None, [http.InferRequestedOutput("output", binary_data=True)], [http.InferRequestedOutput("output", binary_data=False)]):
                for compression in (None, "gzip", "deflate"):
                    result = client.infer("digits", [tensor], outputs=outputs, request_id="7", request_compression_algorithm=compression)
                    got = result.as_numpy("output").astype(np.float32).tobytes()
                    assert got == want, (datatype, binary_in, outputs, compression)
                    assert result.get_response()["id"] == "7"
                    checks += 1

classes = client.infer("digits", [tensor], outputs=[http.InferRequestedOutput("output", class_count=3)]).as_numpy("output")
assert classes.shape == (3, 3) and b":" in classes[0][0], classes
stats = client.get_inference_statistics("digits")["model_stats"][0]
assert stats["inference_count"] > 3 * checks, stats
print(f"Triton's Python client: {checks} forms of requests")
