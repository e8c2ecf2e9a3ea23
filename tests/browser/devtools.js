// A Chromium that obeys: the DevTools protocol over a pair of pipes (--remote-debugging-pipe), which needs no package.
'use strict';
const {spawn} = require('node:child_process');

class Browser {
  constructor(profile) {
    this.process = spawn('chromium-headless-shell', [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server',
      '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-dev-shm-usage',
      '--remote-debugging-pipe', '--user-data-dir=' + profile, 'about:blank',
    ], {stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe']});
    this.last = 0;
    this.waiting = new Map();
    this.listeners = [];
    this.read = '';
    this.process.stdio[4].on('data', (data) => this.take(data.toString()));
  }

  take(text) {
    this.read += text;
    for (let end; (end = this.read.indexOf('\0')) >= 0; this.read = this.read.slice(end + 1)) {
      const message = JSON.parse(this.read.slice(0, end));
      const waiting = this.waiting.get(message.id);
      this.waiting.delete(message.id);
      if (waiting && message.error) waiting.reject(new Error(JSON.stringify(message.error)));
      else if (waiting) waiting.resolve(message.result);
      else for (const listener of this.listeners) listener(message);
    }
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.last;
    this.process.stdio[3].write(JSON.stringify({id, method, params, sessionId}) + '\0');
    return new Promise((resolve, reject) => this.waiting.set(id, {resolve, reject}));
  }

  async open(url, {width, height, scheme}) {
    const {targetId} = await this.send('Target.createTarget', {url: 'about:blank', width, height});
    const {sessionId} = await this.send('Target.attachToTarget', {targetId, flatten: true});
    const page = new Page(this, targetId, sessionId);
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.send(domain + '.enable');
    await page.send('Emulation.setDeviceMetricsOverride', {width, height, deviceScaleFactor: 1, mobile: width < 600});
    await page.send('Emulation.setEmulatedMedia', {features: [{name: 'prefers-color-scheme', value: scheme}]});
    await page.send('Page.navigate', {url});
    return page;
  }

  close() {
    this.process.kill('SIGKILL');
  }
}

class Page {
  constructor(browser, targetId, sessionId) {
    this.browser = browser;
    this.targetId = targetId;
    this.sessionId = sessionId;
    this.complaints = [];  // what the console says, and what was not loaded
    this.requested = [];
    browser.listeners.push((message) => message.sessionId === sessionId && this.take(message));
  }

  take({method, params}) {
    if (method === 'Runtime.exceptionThrown')
      this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === 'Runtime.consoleAPICalled' && ['error', 'warning', 'assert'].includes(params.type))
      this.complaints.push(params.args.map((one) => one.value ?? one.description).join(' '));
    if (method === 'Log.entryAdded') this.complaints.push(params.entry.text + ' ' + (params.entry.url ?? ''));
    if (method === 'Network.requestWillBeSent') this.requested.push(params.request.url);
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  async value_of(expression) {
    const {result, exceptionDetails} =
        await this.send('Runtime.evaluate', {expression, returnByValue: true, awaitPromise: true});
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  // Until the expression is true; false after the patience.
  async comes(expression, patience = 20000) {
    for (const end = Date.now() + patience; Date.now() < end;) {
      if (await this.value_of(expression)) return true;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return false;
  }

  async screenshot() {
    const {data} = await this.send('Page.captureScreenshot', {format: 'png', captureBeyondViewport: true,
      clip: {x: 0, y: 0, scale: 1, ...(await this.value_of(
          '({width: innerWidth, height: document.documentElement.scrollHeight})'))}});
    return Buffer.from(data, 'base64');
  }

  close() {
    return this.browser.send('Target.closeTarget', {targetId: this.targetId});
  }
}

module.exports = {Browser};
