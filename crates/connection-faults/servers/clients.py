"""Calls providers with their own SDKs, unchanged.

A line of JSON with the address and the key comes in, the result goes out as a line of JSON.
"""

import json
import os
import sys

import boto3
import stripe
from botocore.config import Config
from docker.credentials import Store
from docker.credentials.errors import CredentialsNotFound, StoreError
from openai import OpenAI


def of_stripe(request):
    stripe.max_network_retries = 0
    client = stripe.StripeClient(request["key"], base_addresses={"api": request["url"]})
    customers = client.v1.customers.list({"limit": 1, "expand": ["data.subscriptions"]})
    made = client.v1.customers.create({"email": "ada@example.com", "metadata": {"team": "one"}})
    return [customers.data[0].id, made.id]


def of_stripe_create(request):
    """Creates a customer with the SDK's own retries, and a new `Idempotency-Key` for each call, which the SDK draws."""
    client = stripe.StripeClient(request["key"], base_addresses={"api": request["url"]}, max_network_retries=2)
    made = client.v1.customers.create({"email": "ada@example.com"}, {"headers": request["headers"]})
    return made.id


def of_aws(service, request):
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    keys = {"aws_access_key_id": request["key"], "aws_secret_access_key": "any text"}
    return boto3.client(service, region_name="eu-central-1", endpoint_url=request["url"], config=config, **keys)


def of_sts(request):
    return of_aws("sts", request).get_caller_identity()["Account"]


def of_s3(request):
    s3 = of_aws("s3", request)
    s3.put_object(Bucket="plans", Key="a b/ü.txt", Body=b"hello", ContentType="text/plain", Metadata={"team": "one"})
    return s3.get_object(Bucket="plans", Key="a b/ü.txt")["Body"].read().decode()


def of_realtime(request):
    """Talks to a model over a WebSocket. Without an address, the SDK has its own."""
    os.environ.update(request.get("environment", {}))
    client = OpenAI(api_key=request.get("key"), base_url=request.get("url"), max_retries=0)
    heard = []
    with client.realtime.connect(model="model-1") as connection:
        created = connection.recv()
        message = {"type": "input_text", "text": request["title"]}
        connection.conversation.item.create(item={"type": "message", "role": "user", "content": [message]})
        connection.response.create()
        for event in connection:
            if event.type == "response.done":
                break
            heard.append(event.delta)
    return [created.type, created.session.path, heard]


def of_credential_process(request):
    os.environ.update(request["environment"])
    session = boto3.Session(profile_name="deploy")
    identity = session.client("sts", region_name="eu-central-1", endpoint_url=request["url"]).get_caller_identity()
    keys = session.get_credentials().get_frozen_credentials()
    return [identity["Account"], keys.access_key, keys.secret_key, keys.token]


def of_docker(request):
    os.environ.update(request["environment"])
    store = Store(request["program"])
    answers = []
    for server in request["servers"]:
        try:
            answers.append(store.get(server))
        except CredentialsNotFound:
            answers.append("not found")
        except StoreError as error:
            answers.append(str(error))
    return [*answers, store.list()]


CALLS = {
    "stripe": of_stripe,
    "stripe-create": of_stripe_create,
    "sts": of_sts,
    "s3": of_s3,
    "realtime": of_realtime,
    "credential_process": of_credential_process,
    "docker": of_docker,
}

print("ready", flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"result": CALLS[request["client"]](request)}
    except Exception as error:  # every failure is an answer
        answer = {"error": str(error), "status": getattr(error, "http_status", None)}
    print(json.dumps(answer), flush=True)
