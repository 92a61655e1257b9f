// client.js - testcontainers and dockerode, with a directory of the runner's that holds a file
//
// SPDX-License-Identifier: 0BSD
//
//   NODE_PATH=... node client.js testcontainers|dockerode DIRECTORY WANT
//
// WANT is the content of DIRECTORY/file. Prints what is wrong, if anything.

'use strict';
const fs = require('fs');

const [, , which, dir, want] = process.argv;

function same(what, got, expected) {
	if (got !== expected)
		throw new Error(`${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(expected)}`);
}

async function testcontainers() {
	const { GenericContainer, Wait } = require('testcontainers');
	const container = await new GenericContainer('tools')
		.withNetworkMode('none')
		.withBindMounts([{ source: dir, target: '/x' }, { source: dir, target: '/y', mode: 'ro' }])
		.withCommand(['sh', '-c', 'cat /x/file; exec sleep 1000'])
		.withWaitStrategy(Wait.forLogMessage(want))
		.start();
	try {
		same('exec', (await container.exec(['cat', '/y/file'])).output.trim(), want);
		same('a status', (await container.exec(['sh', '-c', 'echo mine >/x/made && touch /y/new'])).exitCode, 1);
		same('what it wrote', fs.readFileSync(dir + '/made', 'utf8'), 'mine\n');
		await container.copyContentToContainer([{ content: 'copied', target: '/in/copied' }]);
		same('a copy', (await container.exec(['cat', '/in/copied'])).output, 'copied');
	} finally {
		await container.stop({ timeout: 0 });
		fs.rmSync(dir + '/made', { force: true });
	}
}

// The output of a container that is not a terminal's comes in frames.
function text(stream, modem) {
	return new Promise((resolve, reject) => {
		const { PassThrough } = require('stream');
		const out = new PassThrough();
		let all = '';
		out.on('data', (data) => { all += data; });
		modem.demuxStream(stream, out, out);
		stream.on('end', () => resolve(all));
		stream.on('error', reject);
	});
}

async function dockerode() {
	const Docker = require('dockerode');
	const docker = new Docker();
	const container = await docker.createContainer({
		Image: 'tools', Cmd: ['sh', '-c', 'cat /x/file; cat; echo end'], OpenStdin: true, StdinOnce: true,
		HostConfig: { NetworkMode: 'none', Binds: [dir + ':/x'] },
	});
	try {
		const stream = await container.attach({ stream: true, hijack: true, stdin: true, stdout: true, stderr: true });
		const all = text(stream, docker.modem);
		await container.start();
		stream.end('from here\n');
		same('attach', await all, want + '\nfrom here\nend\n');
		await container.wait();
		const logs = await container.logs({ stdout: true, follow: true });
		same('logs', await text(logs, docker.modem), want + '\nfrom here\nend\n');
	} finally {
		await container.remove({ force: true });
	}
	const mounted = await docker.createContainer({
		Image: 'tools', Cmd: ['sleep', '1000'],
		HostConfig: { NetworkMode: 'none', Mounts: [{ Type: 'bind', Source: dir, Target: '/x', ReadOnly: true }] },
	});
	try {
		await mounted.start();
		const exec = await mounted.exec({ Cmd: ['cat', '/x/file'], AttachStdout: true });
		same('exec', await text(await exec.start({}), docker.modem), want + '\n');
	} finally {
		await mounted.remove({ force: true });
	}
	await docker.createContainer({
		Image: 'tools', HostConfig: { Mounts: [{ Type: 'bind', Source: dir + '/none', Target: '/x' }] },
	}).then(() => { throw new Error('a missing source is no error'); }, (error) => {
		if (!/dindbind: .*not there/.test(error.message))
			throw error;
	});
}

({ testcontainers, dockerode })[which]().catch((error) => {
	console.log(error.stack || error);
	process.exitCode = 1;
});
