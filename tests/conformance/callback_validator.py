"""Verifies callbacks with the package `twilio`, in the environment that has it: JSON lines in, a verdict a line out.

python -m tests.conformance.callback_validator SECRET < LINES
"""

import json
import sys

from twilio.request_validator import RequestValidator


def main() -> None:
    validator = RequestValidator(sys.argv[1])
    for text in sys.stdin:
        line = json.loads(text)
        params = line["body"] if line["method"] == "POST" else {}
        print(json.dumps(validator.validate(line["url"], params, line["signature"])))


if __name__ == "__main__":
    main()
