"""The OpenAPI document: request and answers typed from the protocol's dataclasses, bearer token, problem+json."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter

from acetate.protocol.codec import to_json
from acetate.protocol.events import Problem
from acetate.protocol.geometry import Bounds
from acetate.protocol.requests import GenerateRequest, Task

Schema = dict[str, Any]  # JSON

DESCRIPTION = """Generated transparent layers. Images are uploaded once under their SHA-256; a job names them.

```
curl -H "Authorization: Bearer $TOKEN" -T body http://127.0.0.1:$PORT/v1/images/$(sha256sum < body | cut -c-64)
```

```js
const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", body))
const digest = [...hash].map(byte => byte.toString(16).padStart(2, "0")).join("")
const call = (path, options, headers) =>
  fetch(`http://127.0.0.1:${port}${path}`, {...options, headers: {Authorization: `Bearer ${token}`, ...headers}})
await call(`/v1/images/${digest}`, {method: "PUT", body})
const request = {
  task: "foreground_on_background", bounds: {x: 40, y: 60, width: 256, height: 256}, seed: 7,
  prompt: "a red fox", background: digest,
}
const accepted = await call("/v1/jobs", {method: "POST", body: JSON.stringify(request)},
  {"Content-Type": "application/json"})
const {id} = await accepted.json()
const png = await call(`/v1/jobs/${id}/layers/0`, {}, {Accept: "image/png"})  // once its events say `done`
```

Host and port, and the token, are in the connection file of the running engine (`acetate doctor` says where it is).
An image body is `ACETATE1 RGBA8 <width> <height>\\n` and the pixels (straight alpha, sRGB, row-major), or a PNG."""

_DIGEST = "8a39d2abd3999ab73c34db2476849cddf303ce389b35826850f9a700589b4a90"
_EXAMPLES = {
    "text": GenerateRequest(Task.FOREGROUND, Bounds(0, 0, 512, 512), 7, prompt="a campfire"),
    "conditioned": GenerateRequest(
        Task.FOREGROUND_ON_BACKGROUND, Bounds(40, 60, 256, 256), 7, prompt="a red fox", background=_DIGEST
    ),
}

REQUEST_BODY: Schema = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/GenerateRequest"},
                "examples": {name: {"value": to_json(request)} for name, request in _EXAMPLES.items()},
            }
        },
    }
}

_PROBLEM = {
    "description": "What was wrong, and what to do",
    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def describe(app: FastAPI) -> Schema:
    """The document of `app`: its own routes, and what they have in common."""
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    components["schemas"].update(_closed(_schemas_of(GenerateRequest)), **_schemas_of(Problem))
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"token": []}]
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = _PROBLEM
            if path == "/health":
                operation["security"] = []
    return document


def _schemas_of(kind: type) -> Schema:
    """The JSON schemas of a dataclass and of those within it."""
    schema = TypeAdapter(kind).json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs", {}), kind.__name__: schema}


def _closed(schemas: Schema) -> Schema:
    """Unknown fields are refused in requests; a problem may have more (RFC 9457)."""
    return {
        name: {**part, "additionalProperties": False} if part.get("type") == "object" else part
        for name, part in schemas.items()
    }
