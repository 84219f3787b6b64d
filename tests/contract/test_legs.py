"""What is said of the legs is true of the files that there are."""

import ast
from pathlib import Path

from tests.contract import needs

FILES = {path.stem.removeprefix("test_"): path for path in Path(__file__).parent.glob("test_*.py")}


def functions_of(path: Path) -> set[str]:
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {one.name for one in ast.parse(path.read_text()).body if isinstance(one, defined)}


def test_what_is_left_out_is_there_and_says_why() -> None:
    """Every other file runs on all legs, a new one too."""
    assert set(needs.LEFT_OUT) <= set(FILES)
    assert all(needs.LEFT_OUT.values())


def test_what_a_leg_lacks_is_said_of_tests_that_there_are() -> None:
    for lack in needs.LACKS:
        for test in lack.tests:
            module, _, name = test.partition("::")
            assert module not in needs.LEFT_OUT and name.partition("[")[0] in functions_of(FILES[module]), test


def test_of_a_test_one_lack_is_said_for_a_leg() -> None:
    for leg in ("managed", "api"):
        listed = [test for lack in needs.LACKS if leg in lack.legs for test in lack.tests]
        assert len(listed) == len(set(listed))
