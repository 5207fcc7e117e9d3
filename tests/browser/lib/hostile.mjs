// Texts that would do something if a page did not escape them, and what shows that none did.

export const TAGS = [
  '<script>alert(1)</script>', '<script src=//evil.example/x.js></script>', '<img src=x onerror=alert(1)>', '<svg onload=alert(1)>',
  '<svg><script>alert(1)</script></svg>', '<iframe src=javascript:alert(1)></iframe>', '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
  '<object data=javascript:alert(1)></object>', '<embed src=//evil.example>', '<base href=//evil.example/>',
  '<meta http-equiv=refresh content="0;url=//evil.example">', '<link rel=stylesheet href=//evil.example/x.css>', '<style>*{display:none}</style>',
  '<form action=//evil.example><button>go</button></form>', '<details open ontoggle=alert(1)>', '<video src=x onerror=alert(1)>',
  '<input autofocus onfocus=alert(1)>', '<a href=javascript:alert(1)>x</a>', '<math href=javascript:alert(1)>x</math>', '<marquee onstart=alert(1)>',
];
const FRAMES = ['{}', '">{}', "'>{}", '</title>{}', '</textarea>{}', '</script>{}', '--><!-- -->{}'];
const BARE = [
  '" onmouseover="alert(1)', "' onmouseover='alert(1)", '" autofocus onfocus="alert(1)" x="', 'javascript:alert(1)', ' JaVaScRiPt:alert(1)',
  'java\tscript:alert(1)', 'data:text/html,<script>alert(1)</script>', '//evil.example/x', '\\\\evil.example', '&lt;script&gt;<script>alert(1)</script>',
  '&#60;script&#62;alert(1)', '{{7*7}}<b>', '${7*7}<b>', '<%= 7*7 %><b>', '\u202e<b>gnp', '<b\u0000>', '%3Cscript%3Ealert(1)%3C/script%3E',
  '\u001b[31m<b>red', 'x'.repeat(300), '<!--', ']]><b>', '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
];

/** At least 60 of them: each tag in each frame would be many, so the frames take turns. */
export const CORPUS = [
  ...TAGS.flatMap((tag, number) => [0, 1, 2].map((turn) => FRAMES[(number + turn * 2) % FRAMES.length].replace('{}', tag))), ...BARE,
];

/**
 * What of `html` came to life: parsed as a browser would, it has no script but those of `/static/`, no handler, no style,
 * frame or base, and no address with a scheme that runs or a host that is not ours. Runs in the page.
 */
export const alive = (page, html) => page.evaluate((text) => {
  const parsed = new DOMParser().parseFromString(text, 'text/html');
  const found = [];
  const tell = (what, node) => found.push(`${what}: ${node.outerHTML.slice(0, 160)}`);
  for (const node of parsed.querySelectorAll('script')) {
    if (!/^\/static\/\w+\/\w+\.js$/.test(node.getAttribute('src') ?? '') || node.textContent) tell('script', node);
  }
  for (const node of parsed.querySelectorAll('style, base, object, embed, marquee, math, [srcdoc]')) tell('element', node);
  for (const node of parsed.querySelectorAll('noscript')) if (!/^<meta http-equiv="refresh" content="\d+">$/.test(node.innerHTML)) tell('element', node);
  for (const node of parsed.querySelectorAll('iframe')) if (!node.getAttribute('src')?.startsWith('/')) tell('frame', node);
  for (const node of parsed.querySelectorAll('link')) if (!/^\/((static|theme)\/|branding\/theme\.css\?)/.test(node.getAttribute('href') ?? '')) tell('link', node);
  for (const node of parsed.querySelectorAll('meta[http-equiv]')) {
    if (!/^\d+(;url=\/(?![\\/]).*)?$/.test(node.getAttribute('content'))) tell('meta', node);
  }
  for (const node of parsed.querySelectorAll('*')) {
    for (const { name, value } of node.attributes) {
      if (name.startsWith('on') || name === 'style') tell('handler', node);
      const address = ['href', 'src', 'action', 'formaction', 'data', 'xlink:href'].includes(name);
      // a file that the page carries: it is saved, and as plain text it cannot run
      const file = name === 'href' && node.matches('a[download]') && /^data:text\/(plain|csv);charset=utf-8,[\w%./-]*$/.test(value);
      if (address && !file && /^[\s\u0000-\u001f]*(javascript|data|vbscript):/i.test(value.replaceAll(/[\t\n\r]/g, ''))) tell('scheme', node);
      if (['action', 'formaction', 'src'].includes(name) && /^[\\/]{2}|evil\.example/.test(value.split(/[?#]/)[0])) tell('host', node);
    }
  }
  return found;
}, html);
