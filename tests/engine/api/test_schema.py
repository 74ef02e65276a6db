"""The OpenAPI document, and the engine held against it."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from acetate.protocol.codec import from_json
from acetate.protocol.requests import GenerateRequest
from acetate_engine.paths import resources_dir
from tests.engine.process import EngineProcess

pytestmark = pytest.mark.engine

EXAMPLES = 80 if "ACETATE_FUZZ" in os.environ else 8  # of each operation, right ones and wrong ones


def test_the_document_is_typed_from_the_protocol(engine: EngineProcess) -> None:
    document = engine.http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    assert set(schemas["GenerateRequest"]["properties"]) == {
        field.name for field in dataclasses.fields(GenerateRequest)
    }
    assert schemas["GenerateRequest"]["required"] == ["task", "bounds", "seed"]
    assert document["security"] == [{"token": []}]
    assert document["paths"]["/health"]["get"]["security"] == []
    body = document["paths"]["/v1/jobs"]["post"]["requestBody"]["content"]["application/json"]
    for example in body["examples"].values():
        from_json(GenerateRequest, example["value"]).validate()


def test_the_committed_document_is_the_one_that_is_served(engine: EngineProcess) -> None:
    committed = json.loads((resources_dir() / "openapi.json").read_text(encoding="utf-8"))
    assert committed == engine.http.get("/openapi.json").json(), "run: acetate openapi > resources/openapi.json"


def test_every_operation_says_how_its_problems_look(engine: EngineProcess) -> None:
    document = engine.http.get("/openapi.json").json()
    for operations in document["paths"].values():
        for operation in operations.values():
            assert "application/problem+json" in operation["responses"]["default"]["content"]


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_generated_calls_are_answered_as_documented(engine: EngineProcess, mode: GenerationMode) -> None:
    """Schemathesis: no server error, and no status, type or body that the document does not have."""
    document = engine.http.get("/openapi.json").json()
    for result in schemathesis.openapi.from_dict(document).get_all_operations():
        hold_against(result.ok(), engine, mode)


def hold_against(operation: APIOperation[Any, Any, Any, Any], engine: EngineProcess, mode: GenerationMode) -> None:
    authorization = {"Authorization": f"Bearer {engine.connection.token}"}

    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(mode))
    def check(case: Case[Any]) -> None:
        case.call_and_validate(
            engine.connection.url,
            headers=authorization,
            checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance],
        )

    try:
        check()
    except Unsatisfiable:  # an operation that takes nothing cannot be called wrongly
        assert mode is GenerationMode.NEGATIVE
