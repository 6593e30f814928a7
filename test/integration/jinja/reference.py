"""Renders templates with the real Jinja2: JSON lines of {template, variables} in, of {output} or {error} out."""
import json
import sys
import traceback

import jinja2

environment = jinja2.Environment()


def line_of(error):
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    lines = [entry.lineno for entry in traceback.extract_tb(error.__traceback__) if entry.filename == "<template>"]
    return lines[-1] if lines else None


for request in sys.stdin:
    case = json.loads(request)
    try:
        answer = {"output": environment.from_string(case["template"]).render(case["variables"])}
    except Exception as error:
        answer = {"error": {"type": type(error).__name__, "message": str(error), "line": line_of(error)}}
    print(json.dumps(answer), flush=True)
