"""The page's style: the colours of the dashboard, light and dark, phone width, A4."""

STYLE = """
:root{--paper:#fff;--ink:#1a2130;--hairline:#dfe3ea;--raised:#f5f7fb;--quiet:#566074;
--accent:#0b63b6;--strong:#b3470b;--weak:#0a7a5c}
@media screen and (prefers-color-scheme:dark){:root{--paper:#0f141a;--ink:#e6eaf0;
--hairline:#2b3440;--raised:#181f28;--quiet:#a3aebd;--accent:#6db3f2;--strong:#f0955f;
--weak:#4fc6a2}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2rem 1.25rem 3rem;overflow-wrap:anywhere}
h1{font-size:1.6rem;line-height:1.3;margin:.25rem 0 .75rem;max-width:44rem;text-wrap:pretty}
h2{font-size:1.1rem;margin:2rem 0 .5rem;break-after:avoid}
p,li{max-width:44rem}
p{margin:.5rem 0}
ul{margin:.25rem 0;padding-left:1.2rem}
a{color:var(--accent)}
.word{white-space:nowrap}
small,.quiet,.kicker,footer{color:var(--quiet);font-size:.85rem}
.tiles{display:grid;grid-template-columns:repeat(4,1fr);column-gap:.75rem;margin-top:1.25rem}
.tiles div{background:var(--raised);border:1px solid var(--hairline);border-radius:6px;
padding:.75rem;display:grid;grid-row:span 4;grid-template-rows:subgrid;row-gap:0;
margin-bottom:.75rem;break-inside:avoid}
.tiles .label{font-size:.85rem}
.tiles b{font-size:1.45rem;line-height:1.4;font-variant-numeric:tabular-nums}
figure{margin:0;display:grid;grid-template-columns:minmax(0,3fr) minmax(0,2fr);gap:1.25rem;
align-items:center;break-inside:avoid}
svg{width:100%;height:auto;display:block}
figcaption ul{list-style:none;padding:0}
figcaption li{padding-left:1.6rem;text-indent:-1.6rem;margin:.35rem 0}
figcaption i{font-style:normal;display:inline-block;width:1.6rem;text-indent:0}
i.point,i.curve{color:var(--accent)}i.random{color:var(--quiet)}
i.strong{color:var(--strong)}i.weak{color:var(--weak)}
svg .axis{fill:var(--quiet);font-size:12px}
svg .middle{text-anchor:middle}svg .end{text-anchor:end}
svg .grid{stroke:var(--hairline)}
svg .band{fill:var(--accent);opacity:.16}
svg .curve,svg .random,svg .drop{fill:none;stroke:var(--accent);stroke-width:2.2}
svg .random{stroke:var(--quiet);stroke-width:1.5;stroke-dasharray:6 4}
svg .drop{stroke-width:1;stroke-dasharray:2 3}
svg .weak{fill:var(--weak)}svg .strong{fill:var(--strong)}
svg .point{fill:var(--accent);stroke:var(--paper);stroke-width:1.5}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.4rem 0 .4rem .75rem;border-bottom:1px solid var(--hairline);vertical-align:top;
text-align:right}
th:first-child{text-align:left;padding-left:0;font-weight:500}
thead th{color:var(--quiet);font-size:.85rem;font-weight:500;vertical-align:bottom}
thead th{min-width:4.2rem}
td{white-space:nowrap}td small{display:block}
tr{break-inside:avoid}
.options tbody tr:first-child{font-weight:600}.options small{font-weight:400}
.usd{max-width:34rem}
code{font-size:.8rem;word-break:break-all}
footer{margin-top:2rem;border-top:1px solid var(--hairline);padding-top:.5rem}
@media screen and (max-width:44rem){
main{padding:1.25rem 1rem 2rem}h1{font-size:1.3rem}
.tiles{grid-template-columns:1fr 1fr}.tiles b{font-size:1.25rem}
figure{grid-template-columns:minmax(0,1fr)}
.options thead{display:none}.options tr{display:block;padding:.6rem 0;
border-bottom:1px solid var(--hairline)}
.options th,.options td{display:block;border:0;padding:.1rem 0}
.options tbody th{font-weight:600}
.options td{display:grid;grid-template-columns:1fr auto;column-gap:1rem}
.options td::before{content:attr(data-of);color:var(--quiet);font-weight:400;
white-space:normal;grid-row:1/span 2;text-align:left}
.options td small{grid-column:2}
.slices th:nth-child(n+5),.slices td:nth-child(n+5){display:none}
}
@media print{
@page{size:A4;margin:14mm}
body{font-size:10pt;print-color-adjust:exact;-webkit-print-color-adjust:exact}
main{max-width:none;padding:0}
p,li,h1{max-width:none}h1{font-size:15pt}h2{margin-top:14pt}
.tiles b{font-size:14pt}td,th{padding-top:2pt;padding-bottom:2pt}
a{color:inherit;text-decoration:none}
}
"""
