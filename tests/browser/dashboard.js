// Looks at the dashboard of MONITOR while WEB is used, and prints one line for each thing that is seen. Screenshots go
// to FOLDER. After "reload now" it waits for a reload.
// node dashboard.js MONITOR WEB FOLDER
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const {Browser} = require('./devtools.js');

const [, , monitor, web, folder] = process.argv;
const tell = (what, value) => console.log(what + ' ' + value);

function ask(path) {
  return new Promise((resolve) =>
      http.get(web + path, {agent: false}, (answer) => answer.resume().on('end', resolve)).on('error', resolve));
}


const cell = (name) => `[...document.querySelectorAll('[data-name="${name}"]')].map((one) => one.textContent).join(' | ')`;
const events = `document.getElementById('events').textContent`;

async function look_live(page) {
  tell('workers', await page.comes(`document.querySelectorAll('#pools tbody tr').length === 2`));
  tell('state', await page.comes(`document.getElementById('state-text').textContent === 'ready'`));
  const before = await page.value_of(cell('Accepted'));
  for (let i = 0; i < 50; ++i) await ask('/');
  tell('accepted', await page.comes(`${cell('Accepted')} !== '${before}'`));
  let drawn = false;
  for (let tries = 0; tries < 200 && !drawn; ++tries) {
    for (let i = 0; i < 10; ++i) await ask('/');
    drawn = await page.value_of(`document.querySelectorAll('.plot canvas').length === 3 &&
        /now: requests [1-9]/.test(document.querySelector('.plot').getAttribute('aria-label'))`);
  }
  tell('charts', drawn);
  await ask('/die');
  tell('exit', await page.comes(`/crash: SIG[A-Z]+/.test(${cell('Last exit')}) && /1 request in flight/.test(${cell('Last exit')})`));
  tell('event', await page.comes(`/worker exited/.test(${events}) && /crash: SIG[A-Z]+/.test(${events})`));
  tell('crashing', await page.comes(`/1 lossin the last hour/.test(document.getElementById('tiles').textContent)`));
  tell('announced', await page.comes(`/crash|Roundhouse is/.test(document.getElementById('announcer').textContent)`));
  tell('reload', 'now');
  await page.comes(`/operation ended/.test(${events})`, 30000);
  tell('configuration', await page.comes(`/no\\. 2,/.test(document.getElementById('facts').textContent)`));
  tell('again', await page.comes(`/operation ended/.test(${events}) && /reload/.test(${events})`));
}

// The keyboard comes everywhere, and what has the focus can be seen.
async function look_at_keyboard(page) {
  const tab = async () => {
    for (const type of ['rawKeyDown', 'keyUp'])
      await page.send('Input.dispatchKeyEvent', {type, key: 'Tab', code: 'Tab', windowsVirtualKeyCode: 9});
  };
  await tab();
  tell('skip', await page.value_of(`document.activeElement.className`));
  const reached = [];
  for (let i = 0; i < 8; ++i) {
    await tab();
    reached.push(await page.value_of(`document.activeElement.id || document.activeElement.value ||
        document.activeElement.getAttribute('href') || document.activeElement.tagName`));
  }
  tell('reached', reached.slice(0, 5).join(' '));
  tell('outline', await page.value_of(`getComputedStyle(document.activeElement).outlineStyle`));
  tell('tables', await page.value_of(`[...document.querySelectorAll('table')].every((table) =>
      table.caption.textContent && [...table.tHead.rows[0].cells].every((head) => head.scope === 'col'))`));
}

async function look_at_size(browser, width, scheme) {
  const page = await browser.open(monitor + '/', {width, height: 800, scheme});
  await page.comes(`document.querySelectorAll('#pools tbody tr').length === 2 && document.querySelector('.plot canvas') &&
      document.querySelector('.line')`);
  tell('slow-' + width + '-' + scheme, await page.comes(`/p99 of the wait for a worker/.test(document.getElementById('tiles').textContent)`));
  const name = `${width}-${scheme}`;
  tell('overflow-' + name, await page.value_of(`document.documentElement.scrollWidth - innerWidth <= 0`));
  tell('background-' + name, await page.value_of(`getComputedStyle(document.body).backgroundColor`));
  fs.writeFileSync(`${folder}/dashboard-${name}.png`, await page.screenshot());
  tell('complaints-' + name, JSON.stringify(page.complaints));
  await page.close();
}

async function main() {
  const browser = new Browser(folder + '/profile');
  try {
    const page = await browser.open(monitor + '/', {width: 1280, height: 900, scheme: 'light'});
    await look_live(page);
    await look_at_keyboard(page);
    // A stream that ends with the monitor is no fault of the page.
    tell('complaints', JSON.stringify(page.complaints.filter((text) => !/ERR_|stream/.test(text))));
    tell('outside', page.requested.filter((url) => !url.startsWith(monitor) && !url.startsWith('data:')).length);
    await page.close();
    for (const width of [1280, 360])
      for (const scheme of ['light', 'dark']) await look_at_size(browser, width, scheme);
    tell('over', true);
  } finally {
    browser.close();
  }
}

main().then(() => process.exit(0), (error) => {
  console.log('failed', error);
  process.exit(1);
});
