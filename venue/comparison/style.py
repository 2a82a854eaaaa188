"""The report's style sheet and the few lines that let a reader choose the slice of the table."""

from typing import Final

STYLE: Final = """
:root{color-scheme:light}
body{margin:0;background:#fff;color:#1c1c1c;
font:15px/1.5 'Helvetica Neue',Helvetica,Arial,sans-serif}
main{max-width:1200px;margin:40px auto;padding:0 28px}
h1{font-size:30px;line-height:1.2;margin:0 0 12px;font-weight:600;letter-spacing:-.01em}
h2{font-size:19px;margin:44px 0 10px;font-weight:600}
.lead{font-size:17px;max-width:50em}
.note,figcaption{color:#6b6b6b;font-size:13px}
figure{margin:18px 0}figure svg{max-width:100%;height:auto}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:14px 40px}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:5px 8px;text-align:left;vertical-align:top;border-bottom:1px solid #e3e3df}
thead th{border-bottom:1.5px solid #1c1c1c;font-weight:600;vertical-align:bottom;background:#fff}
.figures{font-variant-numeric:tabular-nums;font-size:12px}
.figures td,.figures thead th{text-align:right;white-space:nowrap;padding:4px 5px}
.figures tbody th{font-weight:400;width:15em}
.figures thead th{position:sticky;top:0}
.figures i,.small th i{display:block;font-style:normal;color:#6b6b6b;font-size:10px;font-weight:400}
.group th{font-weight:600!important;padding-top:14px;border-bottom:1px solid #1c1c1c}
.small{font-size:11.5px}.small td,.small th{padding:4px 6px}
.dots td:nth-child(n+4),.dots th:nth-child(n+4){text-align:center}
.confirmed{color:#0b6e4f;font-weight:600}.refuted{color:#a4243b;font-weight:600}
.mixed,.not{color:#8a5a00;font-weight:600}
.controls label{margin-right:18px;font-size:13px}
select{font:inherit;padding:2px 4px}
code{font-size:11px}
#table{overflow-x:auto}
@media print{@page{size:A4 landscape;margin:11mm}main{max-width:none;margin:0;padding:0}
body{font-size:12px}.controls select{border:0;appearance:none}.break{break-before:page}
tr,figure{break-inside:avoid}.figures{font-size:9.5px}.figures i{font-size:8px}
.figures thead th{position:static}}
"""

SCRIPT: Final = """
(function(){
var data=JSON.parse(document.getElementById('data').textContent).slices;
var boxes=[].slice.call(document.querySelectorAll('select[data-axis]'));
var rows=[].slice.call(document.querySelectorAll('.figures tbody tr:not(.group)'));
function show(){
var cells=data[boxes.map(function(b){return b.value}).join('|')];
rows.forEach(function(row,r){[].slice.call(row.querySelectorAll('td')).forEach(function(td,d){
td.innerHTML=cells?cells[r][d]:'\\u2013'})})}
boxes.forEach(function(b){b.addEventListener('change',show)});
})();
"""
