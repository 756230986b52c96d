"""How the page looks, on a screen as on A4; it needs nothing from elsewhere."""

STYLE = """
:root { color-scheme: light; --ink: #1d2733; --soft: #5b6877; --rule: #d9dfe6; --pale: #f5f7f9;
  --good: #17693d; --bad: #a3241d; --open: #6b5300; --line: #2f5d8a; }
* { box-sizing: border-box; }
body { margin: 0; background: #fff; color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", Roboto, Arial, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: break-word; }
main, header, footer { max-width: 1000px; margin: 0 auto; padding: 0 24px; }
header { padding-top: 32px; }
h1 { font-size: 28px; line-height: 1.2; margin: 0 0 4px; font-weight: 650; letter-spacing: -.01em; }
h2 { font-size: 20px; line-height: 1.3; margin: 0; font-weight: 650; }
h3 { font-size: 13px; margin: 24px 0 6px; color: var(--soft); font-weight: 600; text-transform: uppercase;
  letter-spacing: .04em; }
p { margin: 4px 0; max-width: 72ch; }
a { color: var(--line); text-underline-offset: 2px; }
.soft, footer { color: var(--soft); font-size: 13px; }
.note { border-left: 3px solid var(--open); background: var(--pale); padding: 6px 12px; margin: 12px 0; }
section { border-top: 1px solid var(--rule); margin-top: 36px; padding-top: 24px; }
code { font: 12.5px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
.figure { display: flex; flex-wrap: wrap; align-items: baseline; gap: 4px 20px; margin: 14px 0 6px; }
.big { font-size: 44px; line-height: 1.1; font-weight: 650; letter-spacing: -.02em; }
.badge { display: inline-block; border: 1px solid currentColor; border-radius: 3px; padding: 0 7px; font-size: 13px;
  font-weight: 600; white-space: nowrap; }
.met { color: var(--good); } .not_met { color: var(--bad); } .no_data { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 16px; margin: 10px 0; }
dt { color: var(--soft); } dd { margin: 0; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; }
th, td { text-align: right; padding: 5px 0 5px 16px; border-bottom: 1px solid var(--rule); white-space: nowrap;
  vertical-align: baseline; }
th { color: var(--soft); font-weight: 600; font-size: 12.5px; border-bottom-color: var(--soft); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
td.name, td.text { white-space: normal; } td.name { min-width: 150px; } td.text { min-width: 100px; }
tr.part td { color: var(--soft); font-size: 12.5px; } tr.part td:first-child { padding-left: 18px; }
tr.all td { font-weight: 650; }
.days { display: grid; grid-template-columns: 1fr 1fr; gap: 0 40px; align-items: start; }
.days th, .days td { padding-top: 2px; padding-bottom: 2px; font-size: 12.5px; }
svg { display: block; width: 100%; min-width: 560px; height: auto; }
svg text { font-size: 11px; fill: var(--soft); }
svg path { fill: none; }
svg .grid { stroke: var(--rule); } svg .values { stroke: var(--line); stroke-width: 1.5; }
svg .target { stroke: var(--ink); stroke-width: 1.5; stroke-dasharray: 5 4; }
svg .kept * { fill: var(--line); stroke: var(--line); } svg .missed * { fill: var(--bad); stroke: var(--bad); }
svg .open * { fill: #fff; stroke-width: 1.5; }
footer { border-top: 1px solid var(--rule); margin-top: 40px; padding-top: 16px; padding-bottom: 40px; }
@media (max-width: 600px) {
  main, header, footer { padding-left: 16px; padding-right: 16px; }
  h1 { font-size: 24px; } .big { font-size: 36px; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: 6px; }
  .days { grid-template-columns: 1fr; } .days .wide + .wide thead { display: none; }
  td.name { min-width: 84px; } td.text { min-width: 76px; } td .badge { white-space: normal; padding: 0 4px; }
  th, td { padding-left: 10px; vertical-align: top; }
}
@page { size: A4; margin: 16mm 15mm; }
@media print {
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main, header, footer { max-width: none; padding-left: 0; padding-right: 0; } header { padding-top: 0; }
  .wide { overflow: visible; } svg { min-width: 0; } .days { gap: 0 24px; } td.name { min-width: 110px; }
  th, td { padding-left: 8px; } table { font-size: 8.5pt; } th, tr.part td { font-size: 8pt; }
  h2, h3 { break-after: avoid; } tr, svg, .figure, dl, .note { break-inside: avoid; }
  thead { display: table-header-group; }
  section + section { break-before: page; }
}
"""
