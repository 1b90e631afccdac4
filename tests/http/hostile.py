"""Inputs that have broken other services, in plain sight."""

INJECTIONS = [
    "'", '"', "`", "\\", "';--", "' OR '1'='1", "'; DROP TABLE users; --", '" OR ""="', "1; SELECT pg_sleep(9)",
    "' UNION SELECT", "$1", "%s", "%(x)s", "{0}", "{x!r}", "{0.__class__}", "%n%n%n%n", "%x%d", "%", "%%", "_", "*",
    "?", "~", "$$", "E'\\''", "#pk", ":pk", "#pk = :pk", "attribute_exists(pk)", '{"S":"x"}', '{"$gt":""}',
    '{"$ne":null}', "[$ne]=1", "USR#", "GRP#", "MSG#", "N#000000000001", "BLOCK#x", "IN#x", "||", "&&", "| id",
    "; id", "`id`", "$(id)", "${jndi:ldap://x/a}", "{{7*7}}", "${7*7}", "#{7*7}", "<%= 7*7 %>", "*)(uid=*",
    "x' and count(/*)=1", "!!python/object/apply:os.system", 'O:8:"stdClass"', "rO0ABXQ=", "cos\nsystem\n(S'id'\ntR.",
    "../../etc/passwd", "..\\..\\x", "%2e%2e%2f", "....//", "/etc/passwd", "file:///etc/passwd", "C:\\boot.ini",
    "\\\\host\\share", "con", "nul", "aux.txt", "~root", "-rf", "--help", "@file", "=cmd|' /C calc'!A0", "+1+1",
    "-1+1", "@SUM(1)", "http://169.254.169.254/", "gopher://x", "javascript:alert(1)", "data:text/html,x",
    "mailto:a@b",
]  # fmt: skip
MARKUP = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", '"><b>', "'><i>",
    "</textarea>", "<!--", "-->", "<![CDATA[x]]>", "]]>", "<?xml version='1.0'?>", '<!ENTITY x SYSTEM "file:///x">',
    "&lt;", "&amp;", "&#0;", "&#x41;", "&nbsp", "<iframe>", "<style>*{}</style>", "<a href='javascript:x'>",
    "<math><mi//xlink:href='x'>", "[x](javascript:y)", "**bold**", "# title", "| a | b |", "```",
    "\x1b[31mred\x1b[0m", "\x1b]0;x\x07", "\x9b31m", "<x\x00y>", "＜script＞", "‹script›",
]  # fmt: skip
HEADERS = [
    "\r\nSet-Cookie: x=y", "\nX: y", "\r\n\r\n<html>", "x\rY: z", "%0d%0aX: y", "\u560a\u560dX: y", "Bearer x.y.z",
    "Basic eDp5", "a=b; c=d", "x, y", "text/html", "\t", "\x0b", "\x0c", "\x85", "HTTP/1.1 200 OK", "GET / HTTP/1.1",
]  # fmt: skip
NUMBERS = [
    "0", "-0", "+0", "00", "01", "1", "-1", "+1", "1.0", "1.", ".1", "1e1", "1E400", "1_0", "1 0", " 1", "1 ", "0x1",
    "0b1", "0o7", "1,0", "١", "１", "²", "½", "Ⅷ", "一", "𝟙", "NaN", "nan", "Infinity", "-inf", "1/0", "2147483648",
    "9223372036854775807", "9223372036854775808", "18446744073709551616", "999999999999", "1000000000000", "9" * 400,
    "1" + "0" * 5000, "0" * 300 + "1", "true", "false", "null", "None", "undefined", "nil", "[]", "{}", "[1]", '""',
    "-", "+", ".", "e", "1\n", "1\0", "\u200b1",
]  # fmt: skip
IDS = [
    "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "0193e1c4a8f07d6e9b1f2f6c1c1d7a10",
    "{0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10}", "urn:uuid:0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10",
    "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a1", "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a100",
    "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a1g", "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10\n",
    " 0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10", "0193e1c4–a8f0–7d6e–9b1f–2f6c1c1d7a10",
    "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10/x", "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10?x",
    "0193e1c4-a8f0-7d6e-9b1f-2f6c1c1d7a10#x", "1764-0193e1c4a8f07d6e9b1f2f6c1c1d7a10",
    "99999999999999-ffffffffffffffffffffffffffffffff", "0-" + "0" * 32, "-1-" + "0" * 32, "9" * 15 + "-" + "0" * 32,
    "1764-" + "G" * 32,
]  # fmt: skip
UNICODE = [
    "", " ", "   ", "\u00a0", "\u3000", "\u2028", "\u2029", "\u200b", "\u200c\u200d", "\ufeff", "\ufeffx", "\u2060",
    "\u00ad", "\u202ex\u202c", "\u2066x\u2069", "\u200f\u061c", "\u034f", "\u115f", "\u3164", "\u2800", "\ufffc",
    "\ufffd", "\ufffe", "\uffff", "\ufdd0", "\U0001fffe", "\U0010ffff", "\U000e0041\U000e007f", "\ue000",
    "\U000f0000", "é", "e\u0301", "\u1e9b\u0323", "ﬁ", "ß", "ẞ", "İ", "ı", "ſ", "\u212a", "\u2126", "ǆ", "ΐ", "ς",
    "Ａｂｃ", "ａｄｍｉｎ", "аdmin", "ⓐⓓⓜⓘⓝ", "𝓪𝓭𝓶𝓲𝓷", "Z\u0351\u036b\u0343\u036a\u0302" * 8, "a" + "\u0301" * 500,
    "👩‍👩‍👧‍👦" * 20, "🇸🇪🇸", "👍🏽", "❤️", "1️⃣", "\U0001f3f4\U000e0067\U000e0062\U000e007f", "שלום", "مرحبا",
    "नमस्ते", "ไทย", "한국어", "ᄒ\u1161ᆫ", "日本語", "𠜎𠜱", "ಠ_ಠ", "﷽" * 50, "𒐫", "\u0bf5\u0bcd", "x" * 30,
    "x" * 31, "x" * 64, "x" * 65, "x" * 200, "x" * 1023, "x" * 1024, "x" * 1025, "🙂" * 1024, "🙂" * 1025, "x" * 8000,
    " " * 2000, "\n" * 1024, "\n" * 1025, "x\n" * 500, "\0", "x\0y", "\0" * 100, "\ud800", "\udfff", "x\udc00y",
    "\ud83d", "\ude00\ud83d", "@", "@@", "@@@x", "@admin", "@ x", "#", "/", "//", "?", "?x=y", "&x=y", ";", ":", ",",
    "=", "x y", "x+y", "x%20y", "%00", "%zz", "%u0041", "%c0%af", "%ff", "admin", "root", "me", "short", "counter",
    "read", "__proto__", "constructor", "__class__", "toString", "self", "this", "system", "deleted", "Deleted user",
    "null\0",
]  # fmt: skip
CONTROLS = [f"x{chr(code)}y" for code in (*range(0x20), *range(0x7F, 0xA0))]
HOSTILE = list(dict.fromkeys([*INJECTIONS, *MARKUP, *HEADERS, *NUMBERS, *IDS, *UNICODE, *CONTROLS]))
