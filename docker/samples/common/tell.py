"""What the callbacks of all samples share: reading what they are given, and telling the automaton of a pod something."""
import json
import os
import sys
import urllib.request

PORT = int(os.environ['KONTROL_PORT'])
SOCKET = os.environ['KONTROL_SOCKET']
TIMEOUT = 60


def given(name, default):
    """PODS or STATE: a variable, or where it would be too large a file."""
    if name in os.environ:
        return json.loads(os.environ[name])
    with open(os.environ[name + '_FILE']) as file:
        return json.loads(file.read() or default)


def tell(pod, command):
    """Has the automaton of a pod do something and waits until it has. A failure ends the callback, which is run again."""
    body = json.dumps({'cmd': 'echo %s | socat -t 60 - %s' % (command, SOCKET)})
    speak = by_zerorpc if 'zerorpc' in sys.argv[1:] else by_http
    answer = speak(pod['ip'], body)
    if answer != 'OK':
        sys.exit('%s answered %r to: %s' % (pod['id'], answer, command))


def by_http(ip, body):
    request = urllib.request.Request('http://%s:%d/script' % (ip, PORT), data=body.encode(), method='PUT')
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        return response.read().decode()


def by_zerorpc(ip, body):
    import zerorpc
    with zerorpc.Client('tcp://%s:%d' % (ip, PORT), timeout=TIMEOUT) as client:
        return client.invoke(body)
