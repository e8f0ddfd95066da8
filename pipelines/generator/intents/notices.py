"""Telling people and services: the steps that end most workflows."""

from __future__ import annotations

from pipelines.generator.build import CONNECTED, FLOW, Build
from pipelines.generator.pieces import Compare, Port
from pipelines.generator.vocabulary import EMAILS

__all__ = ["call_service", "tell_someone", "wait"]

MESSAGES = (
    "Please have a look:\n\nhttps://{{shop.myshopifyDomain}}/admin",
    "{{ shop.name }} says hello.\n\n- Flow",
    "Bitte prüfen und danach als erledigt markieren.\nDanke!",
    "Bonjour,\nmerci de vérifier cette commande.\n\nL'équipe",
    "確認をお願いします。",
    'Hi team,\r\nsee subject.\r\n\r\n"Do not reply"',
    "",
)


def tell_someone(b: Build, at: Port, subject: str, root: str) -> Port:
    """Tell the staff: by e-mail mostly, else through an app."""
    detail = f"{subject}\n\n{{{{{root}.id}}}}\n" if b.draw.chance(0.4) else b.draw.popular(MESSAGES)
    way = b.draw.random()
    if way < 0.62:
        return b.act(at, f"{FLOW}send_email", address=b.draw.popular(EMAILS), subject=subject, message=detail)
    if way < 0.84:
        channel = b.draw.popular(("#orders", "#lager", "#alerts", "C024BE91L"))
        return b.act(
            at,
            CONNECTED["slack"],
            channel=channel,
            message=f"{subject} :eyes:",
            mention=b.draw.popular(("", "@here")),
        )
    if way < 0.90:
        return b.act(at, CONNECTED["gorgias"], subject=subject, body=detail, tags=["flow"], priority="2")
    if way < 0.94:
        return b.act(
            at, CONNECTED["trello"], board="Operations", list="Inbox", card=subject, description=detail
        )
    if way < 0.97:
        return b.act(at, CONNECTED["asana"], project="1204567890123456", name=subject, due_in_days="2")
    return b.act(at, f"{FLOW}log_output", output=subject)


def call_service(b: Build, at: Port, body: str) -> None:
    """Send an HTTP request and, for the careful, look at the answer."""
    fields = {
        "method": b.draw.popular(("POST", "PUT", "GET", "DELETE", "PATCH")),
        "url": b.draw.popular((
            "https://api.example.com/notify",
            "https://hooks.example.org/flow/{{ shop.id }}",
            "https://erp.example.net/v2/orders?src=flow",
        )),
        "headers": b.draw.popular((
            [["content-type", "application/json"]],
            [["Content-Type", "application/json"], ["Authorization", "Bearer {{ secrets.erp_token }}"]],
            [],
        )),
        "body": body,
    }  # fmt: skip
    if b.draw.chance(0.7):
        fields |= {"on_client_error": b.draw.popular(("retry", "fail", "ignore")), "on_server_error": "retry"}
    after, answer = b.output(at, f"{FLOW}send_http", **fields)  # type: ignore[arg-type]
    if b.draw.chance(0.4):
        yes, _ = b.ask(
            after,
            Compare(f"{answer}.statusCode", b.draw.popular((">=", "!=")), b.draw.popular(("400", "200"))),
        )
        tell_someone(b, yes, f"The service answered {{{{ {answer}.statusCode }}}}", "shop")


def wait(b: Build, at: Port, duration: str) -> Port:
    """Wait. No file with a wait step was ever seen: its id and its field are guesses."""
    return b.act(at, f"{FLOW}wait", duration=duration)
