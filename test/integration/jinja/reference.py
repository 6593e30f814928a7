"""Renders templates with the real Jinja2, JSON lines in and out.

{"variables": …} alone: the variables of the cases after it, which do not bring their own. No answer.
{"template": …} or {"template": …, "variables": …}: answers {"output": …} or {"error": …}.
"""
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


shared = "{}"
for request in sys.stdin:
    case = json.loads(request)
    if "template" not in case:
        shared = request
        continue
    # Read anew for each case: a template may change a list or a dict.
    variables = case["variables"] if "variables" in case else json.loads(shared)["variables"]
    try:
        answer = {"output": environment.from_string(case["template"]).render(variables)}
    except Exception as error:
        answer = {"error": {"type": type(error).__name__, "message": str(error), "line": line_of(error)}}
    print(json.dumps(answer), flush=True)
