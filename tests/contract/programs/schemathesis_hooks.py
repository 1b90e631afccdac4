"""Loaded by schemathesis: a check of its own.

A schema cannot say that a group must exist or that a name must be visible, so valid data may be answered with 422; but
then with the code of a rule, never with one that says that the data does not have the form that the document asks for.
"""

import schemathesis
from schemathesis import Case, CheckContext, GenerationMode, Response

FORM = {"invalid-parameter"}
EXCLUSIVE = {"before", "after", "around"}


@schemathesis.check
def valid_data_is_refused_for_a_rule_only(_: CheckContext, response: Response, case: Case) -> None:
    if response.status_code != 422 or case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    if len(EXCLUSIVE & (case.query or {}).keys()) > 1:  # which no schema of single parameters can forbid
        return
    code = response.json()["code"]
    assert code not in FORM, f"Valid data was refused as {code}"
