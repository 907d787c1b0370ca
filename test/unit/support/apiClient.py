"""A program in another language: it knows the address of the OpenAPI document and a token, and nothing else.

Finds operations by operationId, fills in parameters as the document describes them, submits tasks, waits for their
ends, lists and cancels. Standard library only. Prints one JSON object of what it saw.
"""

import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request


class Api:
    def __init__(self, document_url, token):
        with urllib.request.urlopen(document_url) as response:
            self.document = json.load(response)
        self.base = urllib.parse.urljoin(document_url, self.document["servers"][0]["url"])
        self.token = token
        self.operations = {
            operation["operationId"]: (method.upper(), path, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
        }

    def call(self, operation_id, body=None, **values):
        method, path, operation = self.operations[operation_id]
        query, headers = [], {}
        for parameter in operation.get("parameters", []):
            name, place = parameter["name"], parameter["in"]
            if name not in values:
                assert not parameter.get("required"), f"{operation_id} needs {name}"
                continue
            value = values.pop(name)
            if place == "path":
                path = path.replace("{%s}" % name, urllib.parse.quote(str(value), safe=""))
            elif place == "header":
                headers[name] = value
            else:
                for one in value if isinstance(value, list) else [value]:
                    query.append((name, one))
        assert not values, f"{operation_id} has no {list(values)}"
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        if self.document["security"] and operation.get("security", True):
            headers["Authorization"] = "Bearer " + self.token
        if body is not None:
            headers["Content-Type"] = next(iter(operation["requestBody"]["content"]))
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request) as response:
                assert str(response.status) in operation["responses"], response.status
                return json.load(response)
        except urllib.error.HTTPError as error:
            documented = operation["responses"][str(error.code)]
            assert error.headers["Content-Type"] in documented["content"], error.headers["Content-Type"]
            return json.load(error)


def wait(api, task_ids, states):
    until = time.monotonic() + 60
    while time.monotonic() < until:
        standings = api.call("getTaskStates", {"taskIds": task_ids})["standings"]
        if all(one["state"] in states for one in standings):
            return standings
        time.sleep(0.05)
    raise TimeoutError(states)


def main(document_url, token):
    api = Api(document_url, token)
    # The document's own example, with the work that a virtual node can do.
    content = api.operations["submitTask"][2]["requestBody"]["content"]["application/json"]
    spec = {**content["example"], "work": {"kind": "simulated", "runMs": 10}, "selector": {}, "name": "from python"}
    single = api.call("submitTask", spec, **{"Idempotency-Key": "python-1"})["taskId"]
    again = api.call("submitTask", spec, **{"Idempotency-Key": "python-1"})["taskId"]
    answers = api.call("submitTasks", {"specs": [spec] * 200})["answers"]
    task_ids = [single] + [answer["taskId"] for answer in answers if answer["ok"]]
    ended = wait(api, task_ids, ["succeeded"])

    listed, page = [], api.call("listTasks", text="from python", limit=50)
    while True:
        listed += [row["taskId"] for row in page["rows"]]
        if "nextBefore" not in page:
            break
        page = api.call("listTasks", text="from python", limit=50, before=page["nextBefore"])

    long = api.call("submitTask", {**spec, "work": {"kind": "simulated", "runMs": 600000}})["taskId"]
    wait(api, [long], ["running"])
    api.call("cancelTask", {"reason": "python has seen enough"}, taskId=long)
    wait(api, [long], ["cancelled"])
    api.call("retryTask", taskId=long)
    wait(api, [long], ["running"])
    api.call("cancelTask", taskId=long)
    return {
        "sameKeySameTask": single == again,
        "ended": len(ended),
        "listed": sorted(listed) == sorted(task_ids),
        "attempts": len(api.call("getTask", taskId=single)["record"]["attempts"]),
        "why": api.call("whyTask", taskId=single)["code"],
        "unknown": api.call("getTask", taskId=999999)["code"],
        "nodes": api.call("listNodes")["total"],
        "queues": [row["queue"] for row in api.call("listQueues")["queues"]],
        "log": api.call("readLog", taskId=single)["isComplete"],
        "version": api.call("getHealth")["version"],
    }


print(json.dumps(main(*sys.argv[1:])))
