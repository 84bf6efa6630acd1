(() => {
'use strict';
const root = document.documentElement;
root.classList.add('js');
const $ = (s, e = document) => e.querySelector(s);
const $$ = (s, e = document) => Array.from(e.querySelectorAll(s));
const keep = (k, v) => { try { localStorage.setItem('nettriage.' + k, v); } catch { /* file:// may have none */ } };
const kept = (k) => { try { return localStorage.getItem('nettriage.' + k); } catch { return null; } };
const ja = () => root.lang === 'ja';
const say = (en, jaText) => ja() ? jaText : en;

/* Language and theme. */
const setLang = (lang) => {
  root.lang = lang;
  for (const b of $$('[data-lang]')) b.setAttribute('aria-pressed', String(b.dataset.lang === lang));
  for (const e of $$('[data-label-en]')) {
    const text = lang === 'ja' ? e.dataset.labelJa : e.dataset.labelEn;
    if (e.tagName === 'INPUT') e.placeholder = text;
    if (e.tagName === 'OPTION') e.textContent = text; else e.setAttribute('aria-label', text);
  }
  document.title = lang === 'ja' ? root.dataset.titleJa : root.dataset.titleEn;
  draw();
};
const setTheme = (theme) => {
  if (theme === 'light' || theme === 'dark') root.dataset.theme = theme; else delete root.dataset.theme;
  const dark = theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  for (const b of $$('[data-theme-to]')) b.setAttribute('aria-pressed', String((b.dataset.themeTo === 'dark') === dark));
};
document.addEventListener('click', (ev) => {
  const b = ev.target.closest('button');
  if (!b) return;
  if (b.dataset.lang) { keep('lang', b.dataset.lang); setLang(b.dataset.lang); }
  else if (b.dataset.themeTo) { keep('theme', b.dataset.themeTo); setTheme(b.dataset.themeTo); }
  else if (b.dataset.copy !== undefined) copy(b);
  else if (b.dataset.sort !== undefined) sort(b);
});

/* Copying, with a fallback for pages that may not use the clipboard interface. */
const toast = (text) => {
  $('.toast')?.remove();
  const t = document.createElement('div');
  t.className = 'toast';
  t.setAttribute('role', 'status');
  t.textContent = text;
  document.body.append(t);
  setTimeout(() => t.remove(), 2600);
};
const copyOld = (text) => {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr';
  document.body.append(area);
  area.select();
  let ok = false;
  try { ok = document.execCommand('copy'); } catch { ok = false; }
  area.remove();
  return ok;
};
const copy = async (b) => {
  const text = b.dataset.copy;
  let ok = false;
  try { await navigator.clipboard.writeText(text); ok = true; } catch { ok = copyOld(text); }
  b.focus();
  b.classList.toggle('done', ok);
  setTimeout(() => b.classList.remove('done'), 1500);
  toast(ok ? say('Copied: ', 'コピーしました: ') + text : say('Copy by hand: ', '手動でコピーしてください: ') + text);
};

/* Sorting: a record is a tbody (row and details); the key is in data-key of the cell, else its text. */
const keyOf = (body, column) => {
  const cell = body.rows[0]?.cells[column];
  const key = cell?.dataset.key ?? cell?.textContent.trim() ?? '';
  return key !== '' && !Number.isNaN(Number(key)) ? Number(key) : key;
};
const compare = (a, b) => typeof a === 'number' && typeof b === 'number' ? a - b : String(a).localeCompare(String(b));
const sort = (b) => {
  const th = b.closest('th');
  const table = b.closest('table');
  const down = th.getAttribute('aria-sort') === 'ascending';
  for (const other of $$('th[aria-sort]', table)) other.removeAttribute('aria-sort');
  th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const bodies = Array.from(table.tBodies);
  bodies.sort((x, y) => compare(keyOf(x, th.cellIndex), keyOf(y, th.cellIndex)) * (down ? -1 : 1));
  table.append(...bodies);
};

/* Word filter over the records of a table. */
for (const input of $$('input[data-filters]')) {
  const table = document.getElementById(input.dataset.filters);
  const only = $(`input[data-only="${input.dataset.filters}"]`);
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const body of table.tBodies) {
      const text = body.textContent.toLowerCase();
      body.hidden = !words.every((w) => text.includes(w)) || !!(only?.checked && body.dataset.bad !== '1');
    }
  };
  input.addEventListener('input', apply);
  only?.addEventListener('change', apply);
}

/* Timeline: drawn from the rows of the table below it. */
const chart = $('#chart');
const events = chart ? $$('#events tbody tr').map((row) => ({
  row, start: Number(row.dataset.s), end: Number(row.dataset.e || row.dataset.s), lane: row.dataset.lane,
  host: row.dataset.host || '', good: row.dataset.good || 'none', other: row.dataset.other === '1',
})) : [];
const LANES = ['dns', 'tcp', 'http', 'tls', 'log', 'system'];
const NS = 'http://www.w3.org/2000/svg';
const make = (name, attrs, parent, text) => {
  const e = document.createElementNS(NS, name);
  for (const [k, v] of Object.entries(attrs)) e.setAttribute(k, v);
  if (text !== undefined) e.textContent = text;
  parent?.append(e);
  return e;
};
let view = null;
let picked = null;
let shown = [];
const seconds = (ms, step) => {
  const places = step >= 1000 ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : step >= 1 ? 3 : 6;
  return '+' + (ms / 1000).toFixed(places) + ' s';
};
const wanted = () => {
  const lanes = new Set($$('[data-lane-on]').filter((c) => c.checked).map((c) => c.dataset.laneOn));
  const host = $('#tl-host').value;
  const failed = $('#tl-bad').checked;
  const others = $('#tl-other')?.checked ?? true;
  const words = $('#tl-words').value.toLowerCase().split(/\s+/).filter(Boolean);
  return events.filter((e) => {
    if (!lanes.has(e.lane)) return false;
    if (host && e.host !== host) return false;
    if (failed && e.good !== 'bad') return false;
    if (!host && !others && e.other) return false;
    if (!words.length) return true;
    const text = e.row.textContent.toLowerCase();
    return words.every((w) => text.includes(w));
  });
};
const span = (list) => {
  let a = Infinity; let b = -Infinity;
  for (const e of list) { a = Math.min(a, e.start); b = Math.max(b, e.end); }
  if (!(b >= a)) return { a: 0, b: 1 };
  const pad = Math.max((b - a) * 0.02, 0.5);
  return { a: a - pad, b: b + pad };
};
const pick = (e, scroll) => {
  picked = e;
  for (const x of events) x.row.classList.toggle('on', x === e);
  if (scroll && e) {
    const box = $('#events').closest('.events');
    box.scrollTop = e.row.offsetTop - box.clientHeight / 2;
  }
  draw();
};
function draw() {
  if (!chart) return;
  shown = wanted();
  const set = new Set(shown);
  view ??= span(shown);
  let visible = 0;
  for (const e of events) {
    const inside = set.has(e) && e.end >= view.a && e.start <= view.b;
    e.row.hidden = !inside;
    if (inside) visible += 1;
  }
  $('#tl-count').textContent = `${visible} / ${events.length}`;
  const width = Math.max(chart.clientWidth || 600, 260);
  const narrow = width < 640;
  const left = narrow ? 8 : 230;
  const right = width - 10;
  const x = (t) => left + (t - view.a) / (view.b - view.a) * (right - left);
  const byHost = $('#tl-group').value === 'host';
  const groups = new Map();
  for (const e of shown) {
    const key = byHost ? (e.host || (e.lane === 'log' ? 'log' : '–')) : e.lane;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(e);
  }
  const keys = Array.from(groups.keys());
  const order = byHost ? Array.from($('#tl-host').options, (o) => o.value) : LANES;
  const place = (k) => (order.indexOf(k) + 1) || order.length + 1;
  keys.sort((p, q) => place(p) - place(q));
  const svg = make('svg', { width, role: 'img', 'aria-label': say('Timeline', 'タイムライン') });
  const axis = make('g', {}, svg);
  const rows = make('g', {}, svg);
  let y = 24;
  const LINE = 16;
  for (const key of keys) {
    const g = make('g', { class: 'row' }, rows);
    const band = make('rect', { class: 'band', x: 0, y, width, height: 0 }, g);
    const name = byHost ? key : key.toUpperCase();
    const label = make('text', { class: 'lab', x: 8, y: y + 14 }, g, name);
    make('title', {}, label, name);
    let top = y + 3;
    if (narrow) top += 16;
    else {
      /* Cut the label to its column. */
      let n = name;
      while (n.length > 4 && n.length * 6.6 > left - (byHost ? 48 : 16)) n = n.slice(0, -1);
      if (n !== name) label.firstChild.textContent = n + '…';
    }
    /* A line for each layer, a few where attempts overlap; what failed is drawn last, so that it is never covered. */
    const lanes = LANES.filter((l) => groups.get(key).some((e) => e.lane === l));
    let line = 0;
    for (const lane of lanes) {
      const ends = [];
      const bars = [];
      for (const e of groups.get(key)) {
        if (e.lane !== lane) continue;
        const x0 = x(e.start);
        const x1 = Math.max(x(e.end), x0 + 3);
        if (x1 < left - 4 || x0 > right + 4) continue;
        let sub = ends.findIndex((end) => end + 1 <= x0);
        if (sub < 0) sub = Math.min(ends.length, (byHost ? 3 : 8) - 1);
        ends[sub] = Math.max(ends[sub] ?? -Infinity, x1);
        bars.push({ e, x0, x1, sub });
      }
      bars.sort((p, q) => (p.e.good === 'bad') - (q.e.good === 'bad'));
      if (byHost && !narrow) make('text', { class: 'lane', x: left - 8, y: top + line * LINE + 10, 'text-anchor': 'end' }, g, lane.toUpperCase());
      for (const { e, x0, x1, sub } of bars) {
        const c0 = Math.max(x0, left - 4);
        const c1 = Math.min(x1, right + 6);
        const r = make('rect', { class: `e ${e.good}${e === picked ? ' on' : ''}`, x: c0, y: top + (line + sub) * LINE, width: Math.max(c1 - c0, 2), height: LINE - 4, rx: 2 }, g);
        make('title', {}, r, e.row.innerText.replace(/\s+/g, ' ').trim());
        r.addEventListener('click', () => pick(e, true));
        if (c1 - c0 > 34 && (narrow || !byHost)) make('text', { class: 'el', x: c0 + 4, y: top + (line + sub) * LINE + 10 }, g, byHost ? e.lane.toUpperCase() : e.host.slice(0, Math.floor((c1 - c0) / 6.6)));
      }
      line += Math.max(ends.length, 1);
    }
    const height = (top - y) + Math.max(line, 1) * LINE + 2;
    band.setAttribute('height', height);
    y += height;
  }
  const raw = (view.b - view.a) / Math.max(3, (right - left) / 95);
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  for (let t = Math.ceil(view.a / step) * step; t <= view.b; t += step) {
    make('line', { class: 'axis', x1: x(t), x2: x(t), y1: 20, y2: y }, axis);
    const anchor = x(t) > right - 30 ? 'end' : 'middle';
    make('text', { class: 'tick', x: Math.max(x(t), left + 14), y: 14, 'text-anchor': anchor }, axis, seconds(t, step));
  }
  svg.setAttribute('height', Math.max(y + 4, 60));
  svg.setAttribute('viewBox', `0 0 ${width} ${Math.max(y + 4, 60)}`);
  if (!shown.length) make('text', { x: 12, y: 44 }, svg, say('Nothing matches these filters.', '条件に合うものがありません。'));
  chart.replaceChildren(svg);
}
const zoom = (factor, at) => {
  if (!view) return;
  const middle = at ?? (view.a + view.b) / 2;
  const all = span(events);
  const width = Math.min(Math.max((view.b - view.a) * factor, 0.02), (all.b - all.a) * 1.2);
  const share = (middle - view.a) / (view.b - view.a);
  view = { a: middle - width * share, b: middle + width * (1 - share) };
  draw();
};
const move = (share) => {
  if (!view) return;
  const d = (view.b - view.a) * share;
  view = { a: view.a + d, b: view.b + d };
  draw();
};
const fit = () => { view = span(wanted()); draw(); };
if (chart) {
  const timeAt = (clientX) => {
    const box = chart.getBoundingClientRect();
    const width = Math.max(chart.clientWidth, 260);
    const left = width < 640 ? 8 : 230;
    return view.a + (clientX - box.left - left) / (width - 10 - left) * (view.b - view.a);
  };
  for (const c of $$('[data-lane-on],#tl-host,#tl-bad,#tl-other,#tl-group')) c.addEventListener('change', fit);
  $('#tl-words').addEventListener('input', fit);
  $('#tl-in').addEventListener('click', () => zoom(0.5));
  $('#tl-out').addEventListener('click', () => zoom(2));
  $('#tl-fit').addEventListener('click', fit);
  chart.addEventListener('wheel', (ev) => {
    if (!ev.ctrlKey && !ev.metaKey && !ev.shiftKey) return;
    ev.preventDefault();
    zoom((ev.deltaY || ev.deltaX) > 0 ? 1.25 : 0.8, timeAt(ev.clientX));
  }, { passive: false });
  chart.addEventListener('keydown', (ev) => {
    const keys = { '+': () => zoom(0.5), '=': () => zoom(0.5), '-': () => zoom(2), '0': fit, Home: fit,
      ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2),
      ArrowDown: () => next(1), ArrowUp: () => next(-1) };
    if (!keys[ev.key] || ev.ctrlKey || ev.metaKey || ev.altKey) return;
    ev.preventDefault();
    keys[ev.key]();
  });
  const next = (d) => {
    const list = shown.filter((e) => !e.row.hidden);
    if (!list.length) return;
    const i = list.indexOf(picked);
    pick(list[Math.min(Math.max(i + d, 0), list.length - 1)], true);
  };
  let from = null;
  chart.addEventListener('pointerdown', (ev) => { if (ev.button === 0 && ev.pointerType === 'mouse') from = { x: ev.clientX, a: view.a, b: view.b, moved: false }; });
  addEventListener('pointermove', (ev) => {
    if (!from) return;
    const d = ev.clientX - from.x;
    if (Math.abs(d) < 4 && !from.moved) return;
    from.moved = true;
    chart.classList.add('drag');
    const per = (from.b - from.a) / Math.max(chart.clientWidth - 250, 200);
    view = { a: from.a - d * per, b: from.b - d * per };
    draw();
  });
  addEventListener('pointerup', () => { from = null; chart.classList.remove('drag'); });
  for (const e of events) e.row.addEventListener('click', (ev) => { if (!ev.target.closest('button')) pick(e, false); });
  let wait = 0;
  addEventListener('resize', () => { cancelAnimationFrame(wait); wait = requestAnimationFrame(draw); });
}
addEventListener('beforeprint', () => { for (const d of $$('details:not([open])')) { d.open = true; d.dataset.was = '1'; } });
addEventListener('afterprint', () => { for (const d of $$('details[data-was]')) { d.open = false; delete d.dataset.was; } });
setTheme(kept('theme'));
setLang(kept('lang') || root.lang);
})();
