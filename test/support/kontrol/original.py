"""Doubles of the original's programs, written from its wire and its documentation.

    original.py master http|zerorpc HOST PORT TTL FOLDER   with its HAProxy, where the folder holds a haproxy.cfg.j2
    original.py slave http|zerorpc JSON TTL MASTER…        a MASTER is host:port

A master writes the pods that it knows to FOLDER/pods.json.
"""
import http.server
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
import uuid

import jinja2
import msgpack
import zmq


class Master:
    def __init__(self, ttl, folder):
        self.ttl, self.folder = ttl, folder
        self.pods, self.seen, self.seq, self.told = {}, {}, 0, None
        self.lock, self.haproxy = threading.Lock(), None

    def ping(self, raw):
        pod = json.loads(raw)
        with self.lock:
            if pod.get('down'):
                self.pods.pop(pod['key'], None)
                return
            if pod['key'] not in self.pods:
                self.pods[pod['key']], self.seq = {'seq': self.seq}, self.seq + 1
            self.pods[pod['key']].update(pod)
            self.seen[pod['key']] = time.monotonic()

    def watch(self):
        while True:
            with self.lock:
                late = [key for key in self.pods if time.monotonic() - self.seen[key] > self.ttl]
                for key in late:
                    del self.pods[key]
                pods = [dict(pod) for pod in sorted(self.pods.values(), key=lambda pod: pod['seq'])]
            if pods != self.told:
                self.told = pods
                self.write('pods.json', json.dumps(pods))
                self.configure(pods)
            time.sleep(0.1)

    def configure(self, pods):
        path = os.path.join(self.folder, 'haproxy.cfg.j2')
        if not os.path.exists(path):
            return
        hosts = {}
        for pod in pods:
            hosts.setdefault(pod['app'], []).append(pod['ip'])
        with open(path) as file:
            self.write('haproxy.cfg', jinja2.Template(file.read()).render(hosts=hosts) + '\n')
        config = os.path.join(self.folder, 'haproxy.cfg')
        if self.haproxy is None:
            command = ['haproxy', '-W', '-S', os.path.join(self.folder, 'm'), '-f', config]
            self.haproxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        else:
            self.haproxy.send_signal(signal.SIGUSR2)
        time.sleep(1)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path + '.new', 'w') as file:
            file.write(text)
        os.rename(path + '.new', path)

    def stop(self):
        if self.haproxy is not None:
            self.haproxy.terminate()
            self.haproxy.wait()
        os._exit(0)


def serve_http(host, port, master):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self):
            master.ping(self.rfile.read(int(self.headers['Content-Length'])))
            self.send_response(200)
            self.send_header('Content-Length', '0')
            self.end_headers()

        def log_message(self, *_args):
            pass

    http.server.ThreadingHTTPServer((host, port), Handler).serve_forever()


def serve_zerorpc(host, port, master):
    router = zmq.Context.instance().socket(zmq.ROUTER)
    router.bind('tcp://%s:%d' % (host, port))
    while True:
        peer, *_delimiter, body = router.recv_multipart()
        try:
            header, name, args = msgpack.unpackb(body, raw=False, strict_map_key=False)
        except ValueError:  # libzmq takes a request of HTTP for a peer of its first version; zerorpc ignores what it says.
            continue
        if name == 'ping':
            master.ping(args[0])
            answer = {'message_id': uuid.uuid4().hex.encode(), 'v': 3, 'response_to': header['message_id']}
            router.send_multipart([peer, b'', msgpack.packb([answer, 'OK', [None]])])


def ping_http(master, body):
    url = 'http://%s/ping' % master
    request = urllib.request.Request(url, data=body.encode(), method='PUT', headers={'Content-Type': 'application/json'})
    with urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()


sockets = {}


def ping_zerorpc(master, body):
    if master not in sockets:
        sockets[master] = zmq.Context.instance().socket(zmq.DEALER)
        sockets[master].setsockopt(zmq.LINGER, 0)
        sockets[master].connect('tcp://%s' % master)
    header = {'message_id': uuid.uuid4().hex.encode(), 'v': 3}
    sockets[master].send_multipart([b'', msgpack.packb([header, 'ping', [body]])])
    if sockets[master].poll(5000):
        sockets[master].recv_multipart()


def run_slave(generation, pod, ttl, masters):
    ping = ping_http if generation == 'http' else ping_zerorpc
    # Each of its threads had a nonce of its own; the HTTP generation had none.
    nonces = {} if generation == 'http' else {master: os.urandom(8).hex() for master in masters}

    def tell(**more):
        for master in masters:
            nonce = {'nonce': nonces[master]} if master in nonces else {}
            try:
                ping(master, json.dumps(dict(pod, payload='', **nonce, **more), sort_keys=True))
            except OSError:
                pass

    def leave(*_args):
        # What the ZeroRPC generation meant to do, and never managed.
        if generation == 'http':
            tell(down=True)
        os._exit(0)

    signal.signal(signal.SIGTERM, leave)
    while True:
        tell()
        time.sleep(0.75 * ttl)


def main(kind, generation, *rest):
    if kind == 'slave':
        pod, ttl, *masters = rest
        run_slave(generation, json.loads(pod), float(ttl), masters)
    host, port, ttl, folder = rest
    master = Master(float(ttl), folder)
    signal.signal(signal.SIGTERM, lambda *_args: master.stop())
    threading.Thread(target=master.watch, daemon=True).start()
    serve = serve_http if generation == 'http' else serve_zerorpc
    threading.Thread(target=serve, args=(host, int(port), master), daemon=True).start()
    while True:
        signal.pause()


main(*sys.argv[1:])
