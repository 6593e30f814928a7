"""Stands in for ZooKeeper: as much of it as those see who run it.

    ensemble.py zoo.cfg

It reads dataDir, clientPort and the server lines of zoo.cfg, and its own number from dataDir/myid. Members that have the
same servers and reach a majority of them are led by the one with the highest number. On its client port it answers "mntr".
"""
import re
import socket
import socketserver
import sys
import threading
import time

with open(sys.argv[1]) as file:
    settings = dict(line.strip().split('=', 1) for line in file if '=' in line)
with open(settings['dataDir'] + '/myid') as file:
    me = int(file.read())
servers = {int(key[7:]): value.split(':') for key, value in settings.items() if re.match(r'server\.\d+$', key)}
# Each calls itself by another address: what all share is their numbers, and how many they are.
ensemble = ','.join(map(str, sorted(servers)))
role = 'looking'


class Client(socketserver.StreamRequestHandler):
    timeout = 5

    def handle(self):
        if self.rfile.readline().strip() != b'mntr':
            return
        text = 'This ZooKeeper instance is not currently serving requests\n'
        if role != 'looking':
            text = 'zk_server_state\t%s\nzk_ensemble\t%s\n' % (role, ensemble)
        self.wfile.write(text.encode())


class Peer(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(('%d %s\n' % (me, ensemble)).encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def reaches(number, host, port):
    try:
        with socket.create_connection((host, int(port)), timeout=2) as peer:
            peer.settimeout(2)
            return peer.makefile().readline().split() == [str(number), ensemble]
    except OSError:
        return False


for handler, port in ((Client, int(settings['clientPort'])), (Peer, int(servers[me][2]))):
    threading.Thread(target=Server(('0.0.0.0', port), handler).serve_forever, daemon=True).start()
while True:
    others = [number for number, (host, _, port) in servers.items() if number != me and reaches(number, host, port)]
    present = others + [me]
    role = 'looking' if 2 * len(present) <= len(servers) else 'leader' if me == max(present) else 'follower'
    time.sleep(0.5)
