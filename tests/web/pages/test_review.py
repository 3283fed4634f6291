"""The review in a real browser: two records side by side, an answer a click or a key, undone as easily; and who may see it at all."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page

from app.journal import judgements, records, sources, tokens
from app.journal.tables import edge
from app.journal.tokens import Role
from app.matching.deciding import record as record_of
from app.web.pages import neighbours
from app.web.sessions import TRIES
from tests.web.conftest import Site, serving
from tests.web.pages.conftest import HTML
from tests.web.pages.markup import Markup
from tests.web.pages.test_reading import HEAVIEST, MOST_ELEMENTS, context, violations

pytestmark = pytest.mark.xdist_group("pages")

LYON = {"streetAddress": "3 rue de la Butte", "postalCode": "69001", "addressLocality": "Lyon"}
MARSEILLE = {"postalCode": "13001", "addressLocality": "Marseille"}
PRIVATE = "prive@butte.example"


def document(name: str, place: dict[str, str] = LYON, **more: Any) -> dict[str, Any]:
    """Return an invented group."""
    place = {"id": "https://invented.example/#place", "type": "schema:Place"} | place
    said = {"type": ["Group", "schema:Organization"], "name": {"fr": name}, "location": [place]}
    return said | {"description": {"fr": f"Groupe inventé : {name}."}} | more


SAID = {
    "a/1": document(
        "Repair Café de la Butte", email=PRIVATE, telephone="04 99 00 11 22", url=["https://butte.example/"], topics=["environment"], rna="W691000001"
    ),
    "b/1": document("Repair Café des Buttes", email=PRIVATE, url=["https://autre.example/"], rna="W691000002"),
    "a/2": document("Chorale Ocarina"),
    "b/2": document("Fanfare Quetsche <script>alert(1)</script>"),
    "c/1": document("Jardin du Zèbre", MARSEILLE, url=["https://zebre.example/"]),
    "d/1": document("Jardin du Zèbre", MARSEILLE, url=["https://zebre.example/"]),
    "e/1": document("Jardin du Zèbre", MARSEILLE, url=["https://zebre.example/"]),
}
"""Invented groups as five directories know them; no contact is published, since nobody agreed to it."""


def fill(site: Site) -> None:
    """Have the node read them, and leave two pairs open."""
    with site.node.journal.write() as c:
        for name in "abcde":
            origin = sources.add(c, name, f"https://{name}.example/", "jsonld", enabled=False)
            for reference, said in SAID.items():
                if reference.startswith(name):
                    iri = site.node.names.record(*reference.split("/"))
                    records.put(c, origin.id, reference[2:], iri, {"id": iri} | said, f"sha-256:{reference}", "test")
    site.node.combined.settle_pending(site.node.journal)
    with site.node.journal.write() as c:
        c.execute(edge.delete().where(edge.c.state != "match"))
        for left, right, score in (("a/1", "b/1", 1.8), ("a/2", "b/2", 0.3)):
            ids = sorted((record_of(c, left).id, record_of(c, right).id))
            c.execute(edge.delete().where(edge.c.left_id == ids[0], edge.c.right_id == ids[1]))
            c.execute(edge.insert().values(left_id=ids[0], right_id=ids[1], score=score, reasons="[]", state="review"))


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A node with two open questions."""
    with serving(tmp_path_factory.mktemp("review")) as at_work:
        fill(at_work)
        yield at_work


@dataclass
class Street:
    """People with browsers of their own, who all leave at the end of a test."""

    site: Site
    leaving: ExitStack

    def stranger(self, language: str = "fr") -> httpx.Client:
        """Return somebody who did not sign in."""
        return self.leaving.enter_context(httpx.Client(base_url=self.site.url, headers={"Accept": HTML, "Accept-Language": language}, timeout=30))

    def signed_in(self, role: str = "editor") -> httpx.Client:
        """Return somebody who did."""
        found = self.stranger()
        answer = found.post("/sign-in", data={"token": self.site.token[role], "next": "/review"})
        assert answer.status_code == 303, answer.text
        return found


@pytest.fixture
def street(site: Site) -> Iterator[Street]:
    with ExitStack() as leaving:
        yield Street(site, leaving)


def fields(page: str, action: str) -> dict[str, str]:
    """Return the hidden fields of the form that goes to a path."""
    found = re.search(rf'<form method="post" action="{re.escape(action)}".*?</form>', page, re.DOTALL)
    assert found, page
    return {one["name"]: one.get("value", "") for one in Markup(found.group()).all("input", type="hidden")}


def standing(site: Site) -> list[tuple[str, str, str, str]]:
    """Return the judgements that hold."""
    with site.node.journal.read() as c:
        return [(one.left, one.right, one.verdict.value, one.author) for one in judgements.active(c)]


def slug_of(site: Site, reference: str) -> str:
    """Return the slug of the group that a record is part of."""
    with site.node.journal.read() as c:
        found = neighbours.of_record(c, record_of(c, reference).id)
    assert found is not None
    return found.slug


def sign_in(page: Page, site: Site, path: str = "/review") -> None:
    """Paste the token into the form."""
    page.goto(site.url + path)
    page.locator("#token").fill(site.token["editor"])
    page.locator("main form button").click()


@pytest.mark.parametrize(("language", "width"), [("fr", 1280), ("fr", 360), ("en", 360)])
def test_the_pages_of_the_review_are_accessible_and_light(site: Site, browser: Browser, language: str, width: int) -> None:
    """Sign-in, question and separation: axe finds nothing, nothing sticks out at 360 pixels, nothing is asked of others, each page is light."""
    opened = context(browser, width, language)
    page = opened.new_page()
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    slug = slug_of(site, "c/1")
    sign_in(page, site)
    for path in ("/sign-in", "/review", "/review?band=near&why=doubt", f"/review/groups/{slug}", f"/groups/{slug}"):
        answered = page.goto(site.url + path)
        assert answered is not None
        assert answered.status == 200
        assert page.locator("html").get_attribute("lang") == language
        assert page.locator("h1").count() == 1
        assert answered.request.sizes()["responseBodySize"] <= HEAVIEST
        assert len(answered.body()) <= HEAVIEST
        assert page.locator("*").count() <= MOST_ELEMENTS
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert violations(page) == [], path
    assert [one for one in asked if not one.startswith(site.url)] == []
    opened.close()


def test_an_editor_answers_without_scripts_on_a_phone(site: Site, browser: Browser) -> None:
    """Both records with their agreement, field by field; an answer with its reason, the next pair, 'n left'; undone, it is back."""
    opened = context(browser, 360, "fr", scripts=False)
    page = opened.new_page()
    sign_in(page, site)
    assert page.locator("[role=status]").inner_text() == "Il en reste 2."
    table = page.locator(".versus").inner_text()
    assert "Repair Café de la Butte" in table
    assert "≈ proche" in table
    assert "= pareil" in table
    assert PRIVATE not in page.content()
    assert "04 99 00 11 22" not in page.content()
    page.locator("#reason").fill("vu sur place")
    page.get_by_role("button", name="Deux groupes").click()
    assert page.locator("[role=status]").inner_text() == "Il en reste 1."
    assert "Chorale Ocarina" in page.locator(".versus").inner_text()
    assert standing(site) == [("a/1", "b/1", "different", "test editor")]
    page.get_by_role("button", name="Je ne sais pas").click()
    assert "tout est relu" in page.locator("[role=status]").inner_text()
    for left in ("Chorale Ocarina", "Repair Café"):
        page.get_by_role("button", name="Annuler ma dernière réponse").click()
        assert left in page.locator(".versus").inner_text()
    assert standing(site) == []
    assert page.get_by_role("button", name="Annuler ma dernière réponse").count() == 0
    page.get_by_role("button", name="Se déconnecter").click()
    page.goto(f"{site.url}/review")
    assert page.locator("#token").count() == 1
    opened.close()


def test_each_answer_has_a_key_that_can_be_switched_off(site: Site, browser: Browser) -> None:
    """D answers, z takes it back; no key does anything while one types, or once they are switched off."""
    opened = context(browser, 1280, "fr")
    page = opened.new_page()
    sign_in(page, site)
    page.locator("#reason").press("d")
    assert page.locator("#reason").input_value() == "d"
    page.locator("h1").click()
    with page.expect_navigation():
        page.keyboard.press("d")
    assert [one[2] for one in standing(site)] == ["different"]
    with page.expect_navigation():
        page.keyboard.press("z")
    assert standing(site) == []
    page.locator("#keys").uncheck()
    page.keyboard.press("s")
    page.reload()
    assert not page.locator("#keys").is_checked()
    page.keyboard.press("s")
    page.reload()
    assert standing(site) == []
    opened.close()


def test_two_people_who_answer_at_once_lose_nothing(site: Site, street: Street) -> None:
    """The second is shown what the first said, with the reason that was typed still there, and may answer again."""
    first, second = street.signed_in(), street.signed_in("admin")
    forms = [fields(one.get("/review").text, "/review") for one in (first, second)]
    assert first.post("/review", data=forms[0] | {"verdict": "same"}).status_code == 303
    late = second.post("/review", data=forms[1] | {"verdict": "different", "reason": "autre adresse"})
    assert late.status_code == 412
    assert "test editor a jugé ces deux fiches" in Markup(late.text).text
    assert Markup(late.text).all("input", id="reason")[0]["value"] == "autre adresse"
    assert [one[2] for one in standing(site)] == ["same"]
    again = second.post("/review", data=fields(late.text, "/review") | {"verdict": "different", "reason": "autre adresse"})
    assert again.status_code == 303
    assert [(one[2], one[3]) for one in standing(site)] == [("different", "test admin")]
    undone = second.post("/review/undo", data={"form": forms[1]["form"]})
    assert undone.status_code == 303
    assert [one[2] for one in standing(site)] == ["same"]


def test_a_pair_that_vanished_and_a_contradiction_get_a_sentence(site: Site, street: Street) -> None:
    """A record that changed or went meanwhile is not judged; a judgement that contradicts others is refused with its chain."""
    editor = street.signed_in()
    form = fields(editor.get("/review").text, "/review")
    with site.node.journal.write() as c:
        records.withdraw(c, record_of(c, "b/1").id, "test")
    site.node.combined.settle_pending(site.node.journal)
    gone = editor.post("/review", data=form | {"verdict": "same"})
    assert gone.status_code == 412
    assert "a changé entre-temps" in Markup(gone.text).text
    assert standing(site) == []
    names = site.node.names
    for left, right, verdict in (("c", "d", "same"), ("d", "e", "same")):
        body = {"left": names.record(left, "1"), "right": names.record(right, "1"), "verdict": verdict}
        assert site.ask("POST", "/api/judgements", body, "editor").status_code == 201
    shown = editor.get("/review?left=c/1&right=e/1")
    refused = editor.post("/review", data=fields(shown.text, "/review") | {"verdict": "different"})
    assert refused.status_code == 409
    assert "c/1 = d/1" in Markup(refused.text).text
    assert editor.get("/review?left=c/1&right=nobody/1").status_code == 404


def test_a_group_is_taken_apart_in_one_step(site: Site, street: Street) -> None:
    """From the group's page, to the records, to their separation, and back."""
    editor = street.signed_in()
    slug = slug_of(site, "c/1")
    path = f"/review/groups/{slug}"
    assert Markup(editor.get(f"/groups/{slug}").text).all("a", href=path)
    assert not Markup(site.get(f"/groups/{slug}", Accept=HTML).text).all("a", href=path)
    form = fields(editor.get(path).text, path)
    assert editor.post(path, data=form).status_code == 400
    assert editor.post(path, data=form | {"record": ["c/1", "d/1", "e/1"]}).status_code == 400
    assert editor.post(path, data=form | {"record": "e/1", "reason": "un autre jardin"}).status_code == 303
    assert slug_of(site, "e/1") != slug
    assert slug_of(site, "d/1") == slug
    assert {one[2] for one in standing(site)} == {"different"}
    assert editor.post("/review/undo", data={"form": form["form"]}).headers["location"] == path
    assert slug_of(site, "e/1") == slug


def test_strangers_and_other_sites_get_nowhere(site: Site, street: Street) -> None:
    """Without a session one is sent to sign in, and back; a form without its secret, or from another site, does nothing."""
    stranger = street.stranger()
    for path in ("/review", "/review?band=near", "/review/groups/jardin"):
        sent_on = stranger.get(path)
        assert sent_on.status_code == 303
        assert sent_on.headers["location"].startswith("/sign-in?next=%2Freview")
    assert stranger.post("/review", data={"form": "x"}).status_code == 401
    editor = street.signed_in()
    form = fields(editor.get("/review").text, "/review") | {"verdict": "same"}
    for data, headers in (
        (form | {"form": "guessed"}, {}),
        (form, {"Origin": "https://evil.example"}),
        (form, {"Origin": "null"}),
        (form, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert editor.post("/review", data=data, headers=headers).status_code == 403
    assert editor.post("/review", content=b"{}", headers={"Content-Type": "application/json"}).status_code == 415
    assert editor.post("/review", data=form | {"verdict": "maybe"}).status_code == 400
    assert standing(site) == []
    login = {"token": site.token["editor"], "next": "https://evil.example/review"}
    assert stranger.post("/sign-in", data=login, headers={"Origin": "https://evil.example"}).status_code == 403
    assert stranger.post("/sign-in", data=login).headers["location"] == "/review"


def test_the_cookie_and_the_pages_keep_to_themselves(site: Site, street: Street) -> None:
    """HttpOnly, same site only, never cached, never framed; a bearer's token does not come from it, and the token itself is not in it."""
    stranger = street.stranger()
    answer = stranger.post("/sign-in", data={"token": site.token["editor"]})
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert site.token["editor"] not in cookie
    page = stranger.get("/review")
    assert page.headers["cache-control"] == "private, no-store"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cross-origin-resource-policy"] == "same-origin"
    assert stranger.get("/api/judgements", headers={"Accept": "application/json"}).status_code == 401
    assert stranger.get("/groups", headers={"If-None-Match": site.get("/groups", Accept=HTML).headers["etag"]}).status_code == 200


def test_a_session_ends_with_its_token_and_with_signing_out(site: Site, street: Street) -> None:
    """A revoked token ends its sessions at once; a kept cookie is worth nothing after signing out; a reader's token opens none."""
    with site.node.journal.write() as c:
        text = tokens.create(c, "short", Role.EDITOR)
        number = max(one.id for one in tokens.list_(c))
    brief = street.stranger()
    brief.post("/sign-in", data={"token": text})
    assert brief.get("/review").status_code == 200
    with site.node.journal.write() as c:
        tokens.revoke(c, number)
    assert brief.get("/review").status_code == 303
    editor = street.signed_in()
    form = fields(editor.get("/review").text, "/sign-out")
    kept = dict(editor.cookies)
    assert editor.post("/sign-out", data=form).status_code == 303
    assert httpx.get(f"{site.url}/review", cookies=kept, headers={"Accept": HTML}).status_code == 303
    refused = brief.post("/sign-in", data={"token": site.token["reader"]})
    assert refused.status_code == 403
    assert "set-cookie" not in refused.headers


def test_wrong_tokens_are_tried_a_few_times_only(site: Site, street: Street) -> None:
    """After so many wrong ones even the right one waits, and the page says how long."""
    stranger = street.stranger("en")
    for _ in range(TRIES):
        assert stranger.post("/sign-in", data={"token": "maillage_guess"}).status_code == 401
    late = stranger.post("/sign-in", data={"token": site.token["editor"]})
    assert late.status_code == 429
    assert "quarter of an hour" in Markup(late.text).text
