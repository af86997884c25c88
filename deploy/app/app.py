"""Steward's demonstration: the invoices of one merchant, served by tornado from PostgreSQL.

/           the page: list and form
/invoices   GET: the list as JSON; POST: a new invoice, from the form or as JSON
/healthz    200 while this process and its database answer, else 503

worker.py keeps the contract with Steward, database.py talks to PostgreSQL.
"""

import asyncio
import decimal
import faulthandler
import json
import logging
import os
import random
import re

import tornado.web
from tornado.template import Template

import worker
from database import Database, Error

USER = os.environ.get("STEWARD_USER", "nobody")
DATABASE = os.environ.get("STEWARD_DATABASE") or os.environ.get("PGDATABASE", "none")
PACKAGE = os.path.basename(os.environ.get("STEWARD_PACKAGE", ""))
ABOUT = {"user": USER, "database": DATABASE, "pid": os.getpid()}

log = logging.getLogger("app")

PAGE = Template("""\
<!doctype html><html lang="en"><title>Invoices of {{ user }} (database {{ database }}, process {{ pid }})</title>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 3rem auto; padding: 0 1rem; color: #223 }
  h1 { font-weight: 600 }  .note { color: #778; font-size: .85rem }
  table { width: 100%; border-collapse: collapse; margin: 1.5rem 0 }
  th, td { text-align: left; padding: .5rem; border-bottom: 1px solid #e4e6ee }
  .amount { text-align: right; font-variant-numeric: tabular-nums }
  form { display: flex; gap: .5rem; flex-wrap: wrap }  input[name=customer] { flex: 1 }
  input, button { font: inherit; padding: .45rem .7rem; border: 1px solid #c6cad8; border-radius: .4rem }
  button { background: #2a5bd7; border-color: #2a5bd7; color: #fff; cursor: pointer }
  .error { background: #fdecea; color: #8a1c12; padding: .6rem .8rem; border-radius: .4rem }
</style>
<h1>Invoices of {{ user }}</h1>
{% if error %}<p class="error">{{ error }}</p>{% end %}
{% if invoices is not None %}
<form method="post" action="/invoices">
  <input name="customer" placeholder="Customer" maxlength="80" required>
  <input name="amount" placeholder="Amount" inputmode="decimal" size="10" required>
  <button>Create invoice</button>
</form>
<table>
  <tr><th>No.<th>Customer<th>Created<th class="amount">Amount</tr>
  {% for invoice in invoices %}
  <tr><td>{{ invoice["id"] }}<td>{{ invoice["customer"] }}<td>{{ invoice["created"].strftime("%Y-%m-%d %H:%M") }}
      <td class="amount">{{ "{:,.2f}".format(invoice["amount"]) }}</tr>
  {% end %}
</table>
{% else %}<p><a href="/">Back to the invoices</a></p>{% end %}
<p class="note">{{ user }}{% if package %} &middot; version {{ package }}{% end %} &middot; database {{ database }}
  &middot; process {{ pid }}</p>
""")


def page(invoices, error=None):
    return PAGE.generate(invoices=invoices, error=error, package=PACKAGE, **ABOUT)


def plain(invoice):
    return {**invoice, "amount": str(invoice["amount"]), "created": invoice["created"].isoformat(timespec="seconds")}


def parse(fields):
    """(customer, amount) of a new invoice, or ValueError in words for the visitor."""
    customer = str(fields.get("customer", "")).strip()
    if not 1 <= len(customer) <= 80 or not customer.isprintable():
        raise ValueError("A customer's name has 1 to 80 printable characters.")
    amount = str(fields.get("amount", "")).strip()
    if not re.fullmatch(r"[0-9]{1,7}([.,][0-9]{1,2})?", amount) or not re.search("[1-9]", amount):
        raise ValueError("An amount is a positive number up to 9999999.99, with at most two decimals.")
    return customer, decimal.Decimal(amount.replace(",", "."))


class Handler(tornado.web.RequestHandler):
    def initialize(self, database):
        self.database = database

    async def head(self):
        await self.get()

    async def ask(self, question):
        try:
            return await question
        except Error as error:
            raise tornado.web.HTTPError(503, "database %s: %s", DATABASE, first_line(error)) from error

    def write_error(self, status_code, message=None, **_):
        if status_code == 503:
            self.set_header("Retry-After", "2")
            message = "The database does not answer at the moment. Please try again in a few seconds."
        message = message or f"{status_code} {self._reason}"
        if "text/html" in self.request.headers.get("Accept", ""):
            self.finish(page(None, message))
        else:
            self.finish({"error": message, **ABOUT})


class Index(Handler):
    async def get(self):
        self.finish(page(await self.ask(self.database.invoices())))


class Invoices(Handler):
    async def get(self):
        invoices = await self.ask(self.database.invoices())
        self.finish({"invoices": [plain(invoice) for invoice in invoices], **ABOUT})

    async def post(self):
        is_json = self.request.headers.get("Content-Type", "").startswith("application/json")
        try:
            fields = json.loads(self.request.body) if is_json else {
                name: self.get_body_argument(name, "") for name in ("customer", "amount")}
            if not isinstance(fields, dict):
                raise ValueError("A JSON object with customer and amount is expected.")
            customer, amount = parse(fields)
        except ValueError as error:
            self.send_error(400, message=str(error))
            return
        invoice = await self.ask(self.database.create(customer, amount))
        if is_json:
            self.set_status(201)
            self.finish({"invoice": plain(invoice), **ABOUT})
        else:
            self.redirect("/", status=303)


class Health(Handler):
    def initialize(self, database, is_ready):
        super().initialize(database)
        self.is_ready = is_ready

    async def get(self):
        if not self.is_ready():
            raise tornado.web.HTTPError(503)
        await self.ask(self.database.ping())
        self.finish({"status": "ok", **ABOUT})


def first_line(error):
    return str(error).strip().partition("\n")[0]


async def prepare(database, process):
    """Keeps trying until the database has its table: a worker that exits for it would only be started again."""
    delay = 0.5
    while True:
        try:
            await database.prepare()
            break
        except Error as error:
            log.warning("database %s: %s", DATABASE, first_line(error))
            process.report(f"waiting for database {DATABASE}: {first_line(error)}")
            await asyncio.sleep(delay * random.uniform(0.8, 1.2))
            delay = min(delay * 2, 5)
    log.info("ready: %s", ABOUT)
    process.report(f"serving from {DATABASE}", ready=True)


async def main():
    database = Database(os.environ.get("DATABASE_URL", ""), USER)
    listener = worker.adopt()
    application = worker.Application([
        ("/", Index, {"database": database}),
        ("/invoices", Invoices, {"database": database}),
        ("/healthz", Health, {"database": database, "is_ready": lambda: process.ready}),
    ])
    process = worker.Worker(application, listener)
    preparing = asyncio.ensure_future(prepare(database, process))
    await process.run()
    preparing.cancel()
    log.info("stopped")


if __name__ == "__main__":
    faulthandler.enable()       # SIGABRT, which Steward sends to a process that hangs, leaves a traceback
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("tornado.access").setLevel(logging.ERROR)
    asyncio.run(main())
