"""Mails in which rules override each other as in those that people send: all is seen, and nothing is to warn of."""

from __future__ import annotations

TURNED_BACK = """<html><head><style>p{color:#ffffff}.card p{color:#333333}.card{background:#ffffff}
.dark{background-color:#101820}.dark p{color:#fff}</style></head><body>
<div class="card"><p>Your parcel 20045 is on its way.</p></div><div class="dark"><p>Thank you for coming.</p></div>
</body></html>"""

BUTTONS = """<html><head><style>a{color:#ffffff;text-decoration:none}p a{color:#0b66c3}
.btn{background-color:#0b66c3;border-radius:4px}.btn:hover{background-color:#fff;color:#0b66c3}
.btn a{display:inline-block;padding:10px}</style></head><body><table><tr><td class="btn">
<a href="https://mg.example.com/a">Track it</a></td></tr></table>
<p>Or <a href="https://mg.example.com/b">call us</a>.</p></body></html>"""

RESET = """<html><head><style>*{color:#fff}body,table,td,p,a,li,b{color:#222222}
.hero{background:#222 url(https://mg.example.com/hero.png) no-repeat;background-size:cover}.hero h1{color:#fff}
.hero span{color:rgba(255,255,255,.8)}</style></head><body style="background:#f4f4f4">
<table><tr><td class="hero"><h1>June</h1><span>All that is new</span></td></tr>
<tr><td>Dear <b>reader</b>, this is all.</td></tr></table></body></html>"""

IMPORTANT = """<html><head><style>.x{color:#fff}.x{color:#1a1a1a!important}
td.footer{background:#1a1a1a!important}td.footer p{color:#ffffff!important}</style></head><body>
<p class="x" style="color:#ffffff">It counts what is important.</p>
<table><tr><td class="footer" style="background:#ffffff"><p style="color:#1a1a1a">The footer</p></td></tr></table>
</body></html>"""

GRADIENT = """<html><head><style>.top{background:linear-gradient(90deg,#0b3d91,#1f1147)}.top h1{color:#ffffff}
.tag{background:hsl(210,60%,30%);color:hsl(0,0%,100%)}</style></head><body><div class="top"><h1>Hello</h1></div>
<span class="tag">New</span><mark>marked</mark><font color="#333">old</font>
<a name="top" style="color:#444">No link</a></body></html>"""

DARK = """<html><head><meta name="color-scheme" content="light dark"><style>:root{color-scheme:light dark}
body{background:#ffffff;color:#222}.card{background:#fff;color:#222}
@media (prefers-color-scheme:dark){body{background:#111!important;color:#eee!important}
.card{background:#222!important;color:#eee!important}}
@media print{*{color:#000!important;background:#fff!important}}</style></head><body>
<div class="card"><p>Words in light and in dark.</p></div></body></html>"""

DARK_SCREEN = """<html><head><style>.card{background:#fff}.card p{color:#222}h1.title{color:#0b3d91}
@media screen and (prefers-color-scheme: dark){.card{background:#222222!important}.card p{color:#eeeeee!important}
h1.title{color:#9db8ff!important}body{background-color:#000!important}}
[data-ogsc] .card p{color:#eee!important}</style></head><body bgcolor="#f4f4f4"><div class="card">
<h1 class="title">Hello</h1><p>Words in light and in dark.</p></div></body></html>"""

MIXED = """<style>.dark{background:#000}.dark p{color:#fff}.wrap{overflow:hidden;max-width:600px}
.spacer{font-size:0;line-height:0;height:0}</style><div class="wrap"><table><tr>
<td class="spacer" style="font-size:0;line-height:0"><p style="font-size:15px;line-height:1.5">Sent today.</p></td>
</tr><tr><td class="dark"><p>Dark and light.</p></td></tr></table></div>"""

ALL = {
    "turned back": TURNED_BACK, "buttons": BUTTONS, "reset": RESET, "important": IMPORTANT, "gradient": GRADIENT,
    "dark": DARK, "dark screen": DARK_SCREEN, "mixed": MIXED,
}  # fmt: skip
