"""Has the pod lead that was there first, and the others follow it. When it goes, the next one leads.

Each pod is told once, unless it is another one than before at its address, or has to follow somebody else.
"""
import json
import os

from tell import given, tell

app = json.loads(os.environ['KONTROL_LABELS'])['app']
pods = [pod for pod in given('PODS', '[]') if pod['app'] == app]
told = given('STATE', '{}').get('told', {})

roles = {}
for pod in pods:
    name = pod['key'] + (pod.get('nonce') or '')
    roles[name] = 'lead' if pod is pods[0] else 'follow %s' % pods[0]['ip']
    if roles[name] != told.get(name):
        tell(pod, 'WAIT %s' % roles[name])
print(json.dumps({'told': roles}))
