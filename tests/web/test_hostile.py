"""Texts and names from users are never interpreted as markup."""

from playwright.async_api import expect

from tests.fixtures.app import NewPerson, Person
from tests.web.browsing import Visit

TEXTS = (
    "<script>document.title = 'hacked'</script>",
    "<img src=x onerror=\"document.title = 'hacked'\">",
    '"><svg onload=alert(1)>',
    "javascript:alert(1) data:text/html,<b>x</b>",
    "{{constructor.constructor('alert(1)')()}} ${alert(1)}",
    'https://example.com/"onmouseover="alert(1)',
    "\u202eevil\u202c \u2066isolated",
    "Z" + "\u0300\u0301\u0302\u0303" * 60 + "algo",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 " * 20,
    "x" * 1024,
    "a\nb\n\n\n\nc\ttabbed  spaces",
    "\ufeff\u200b\u200d\ufffe",
    "__proto__",
    "]]>&lt;b&gt;&amp;",
)
MARKED = "*<b onclick=alert(1)>* `<script>alert(1)</script>` *javascript:alert(1)*"
MARKUP = (
    "document.querySelectorAll('article .text *:not(a)').length + document.querySelectorAll('script:not([src])').length"
)


async def test_hostile_messages_are_shown_as_text(visit: Visit, ann: Person, bob: Person) -> None:
    for text in TEXTS:
        await bob.sent(text, ann)
    visitor = await visit(ann, viewport={"width": 360, "height": 740})
    await visitor.open_group(bob)
    await expect(visitor.page.locator("[data-number]")).to_have_count(len(TEXTS))
    shown = await visitor.run("[...document.querySelectorAll('article .text')].map((each) => each.textContent)")
    assert shown == list(TEXTS)
    assert await visitor.run(MARKUP) == 0
    links = await visitor.run("[...document.querySelectorAll('article .text a')].map((each) => each.href)")
    assert links == ["https://example.com/"]
    assert "hacked" not in await visitor.page.title()
    assert await visitor.run("document.documentElement.scrollWidth") <= 360


async def test_hostile_messages_are_sent_unchanged(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent("Go on", ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    for text in TEXTS:
        await visitor.write(text)
    await expect(visitor.page.locator("[data-number]")).to_have_count(len(TEXTS) + 1)
    stored = [each["message"] for each in await ann.get(f"/api/messages/{ann.group_with(bob)}")]
    assert stored == ["Go on", *TEXTS]
    assert await visitor.run(MARKUP) == 0


async def test_hostile_text_in_marks_is_shown_as_text(visit: Visit, ann: Person, bob: Person) -> None:
    await bob.sent(MARKED, ann)
    visitor = await visit(ann)
    await visitor.open_group(bob)
    text = visitor.page.locator("article .text")
    await expect(text.locator("em")).to_have_text(["<b onclick=alert(1)>", "javascript:alert(1)"])
    await expect(text.locator("code")).to_have_text("<script>alert(1)</script>")
    assert await visitor.run("document.querySelectorAll('article .text :not(em, code)').length") == 0


async def test_a_hostile_name_is_shown_as_text(visit: Visit, ann: Person, new_person: NewPerson) -> None:
    mallory = await new_person("mallory")
    await mallory.sent("Hello", ann)
    visitor = await visit(ann)
    name = "<img src=x onerror=alert(1)>"
    await visitor.page.route(
        "**/api/message_groups?**",
        lambda route: route.fulfill(json=[{**GROUP, "uuid": str(ann.group_with(mallory)), "display_name": name}]),
    )
    await visitor.page.route(
        "**/api/sync", lambda route: route.fulfill(json={"groups": [], "messages": [], "gone": []})
    )
    await visitor.open()
    await expect(visitor.groups.locator(".name")).to_have_text(name)
    assert await visitor.run("document.images.length") == 0


GROUP = {
    "kind": "direct",
    "handle": "mallory",
    "message": "<b>bold</b>",
    "created_at": "2026-11-24T09:30:00.123Z",
    "last_number": 1,
    "last_message_by": "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10",
    "read_number": 0,
    "unread_count": 1,
    "state": "active",
    "muted_until": None,
    "pinned_at": None,
    "version": 1,
    "folder": "inbox",
    "pin_position": None,
}
