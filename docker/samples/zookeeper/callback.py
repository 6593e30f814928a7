"""Forms the ensemble anew when its members are others than before: stops all of them, then starts one after the other.

A member is a pod and its nonce, so that one that came back at its old address, with an empty disk, is another one. As
long as not all members are there, those that are serve on: a majority is enough. What a member says of itself in its
payload changes no member, and a run for that prints nothing, which keeps the state.
"""
import json
import os
import sys

from tell import given, tell

SIZE = int(os.environ['ENSEMBLE_SIZE'])

app = json.loads(os.environ['KONTROL_LABELS'])['app']
state = given('STATE', '{}')
pods = sorted((pod for pod in given('PODS', '[]') if pod['app'] == app), key=lambda pod: pod['seq'])
members = [[pod['ip'], pod.get('nonce')] for pod in sorted(pods, key=lambda pod: pod['ip'])]

if len(pods) != SIZE:
    print('%d of %d members are there' % (len(pods), SIZE), file=sys.stderr)
elif members != state.get('members'):
    print('the ensemble is formed anew', file=sys.stderr)
    servers = {str(i + 1): pod['ip'] for i, pod in enumerate(pods)}
    for pod in pods:
        tell(pod, 'WAIT stop')
    for i, pod in enumerate(pods):
        tell(pod, "WAIT start '%s'" % json.dumps({'id': i + 1, 'servers': servers}))
    print(json.dumps({'members': members, 'formed': state.get('formed', 0) + 1}))
