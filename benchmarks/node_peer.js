// Reads the messages of a file with smartmeter-obis, as often as each line of standard input asks for,
// and answers with the seconds of processor time that this took.
'use strict';
const { readFileSync } = require('node:fs');
const readline = require('node:readline');

const [, , folder, file] = process.argv;
const D0Protocol = require(`${folder}/node_modules/smartmeter-obis/lib/protocols/D0Protocol`);

const SIGN_ON_SENT = 2;
const DATA_DUE = 4;
const SLASH = 0x2f;

const messages = JSON.parse(readFileSync(file, 'utf8')).map((text) => Buffer.from(text, 'latin1'));

function store(error, result) {
    if (error) throw error;
    if (Object.keys(result).length < 2) throw new Error('hardly a value was read');
}

const protocol = new D0Protocol({ debug: 0, logger: console.error, obisFallbackMedium: 1 }, store);

function read(message) {
    let data = message;
    if (message[0] === SLASH) {
        protocol.communicationState = SIGN_ON_SENT;
        data = protocol.handleMessage(message);
    }
    protocol.communicationState = DATA_DUE;
    protocol.handleMessage(data);
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
    const begin = process.cpuUsage();
    for (let repeat = Number(line); repeat > 0; repeat -= 1) messages.forEach(read);
    const { user, system } = process.cpuUsage(begin);
    console.log((user + system) / 1e6);
});
