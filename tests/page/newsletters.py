"""Ordinary mail as people send it: nothing in it is a reason to warn of what is drawn, hidden or linked."""

from __future__ import annotations

RESPONSIVE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>June news</title><style>
body{margin:0;padding:0;background:#f4f4f4;color:#333}
.header{background-color:#0b3d91}.header a{color:#fff}.header h1{color:#ffffff;font-size:28px}
.btn{background:#e4572e;color:#fff!important;padding:12px 24px;border-radius:4px;display:inline-block}
.btn:hover{background:#fff;color:#e4572e;transform:scale(1.05)}
.muted{color:#8a8a8a;font-size:12px;opacity:.8}
a{color:#0b66c3}
@media (max-width:600px){.col{width:100%!important;display:block!important}}
@media (prefers-color-scheme:dark){body{background:#111}.text{color:#fff}.card{background:#222}}
[data-ogsc] .text{color:#fff!important}
</style></head><body><table role="presentation" width="600" align="center"><tr><td class="header">
<img src="https://mg.example.com/logo.png" alt="Example" width="120" height="40"><h1>June news</h1>
<a href="https://mg.example.com/view">View in browser</a></td></tr>
<tr><td class="card"><p class="text">Dear reader, order 20045 is on its way. Total:
<span style="float:right">€50.00</span></p>
<a class="btn" href="https://mg.example.com/track">Track your order</a></td></tr>
<tr><td><table align="left" width="290" class="col"><tr><td>Left column with words</td></tr></table>
<table align="right" width="290" class="col"><tr><td>Right column with words</td></tr></table></td></tr>
<tr><td class="muted" style="height:60px">Questions? <a href="mailto:help@mg.example.com">help@mg.example.com</a> or
<a href="tel:+442079460958">020 7946 0958</a><sup style="position:relative;top:-0.5em;font-size:75%">1</sup></td></tr>
</table></body></html>"""

BUILT = """<!doctype html><html><head><style>#outlook a{padding:0}img{border:0;height:auto;line-height:100%}
p{display:block;margin:13px 0}@media only screen and (min-width:480px){.mj-column-per-50{width:50%!important}}</style>
</head><body style="background-color:#ffffff"><div style="background-color:#ffffff">
<div style="margin:0px auto;max-width:600px"><table style="width:100%"><tbody><tr>
<td style="direction:ltr;font-size:0px;padding:20px 0;text-align:center">
<div class="mj-column-per-50"
style="font-size:0px;text-align:left;direction:ltr;display:inline-block;vertical-align:top">
<table style="vertical-align:top"><tr><td style="font-size:0px;padding:10px 25px;word-break:break-word">
<div style="font-family:Helvetica;font-size:16px;line-height:1.5;color:#445566">
Your plan renews on 1 July for $12.</div>
</td></tr><tr><td bgcolor="#414141" style="border-radius:3px;background:#414141">
<a href="https://mg.example.com/plan" style="display:inline-block;background:#414141;color:#ffffff;font-size:13px">See
plan</a></td></tr></table></div></td></tr></tbody></table></div></div></body></html>"""

HEBREW = """<html dir="rtl"><body><p style="direction:rtl">שלום, ההזמנה 20045 נשלחה.</p>
<p><a href="https://mg.example.com/">לאתר</a></p></body></html>"""

RECEIPT = """<html><body style="color:#222;background:#fff"><h2 style="color:rgb(20, 30, 40)">Receipt</h2>
<table><thead><tr><th>Item</th><th>Price</th></tr></thead><tbody><tr><td>Tea</td><td align="right">4.50</td></tr>
</tbody></table><p style="color:rgba(0,0,0,.6)">Paid by card.</p>
<div style="clear:both;height:1px;overflow:hidden"></div>
<span style="float:left;font-size:3em">T</span><span>hank you for coming.</span>
<a href="https://mg.example.com/" style="text-decoration:none"><img src="https://mg.example.com/a.png" alt=""></a>
</body></html>"""

ALL = {"responsive": RESPONSIVE, "built": BUILT, "hebrew": HEBREW, "receipt": RECEIPT}
