"""Gives each broker a number of its own, and has those start that have none yet.

A broker keeps its number as long as its pod lives, and nobody is stopped for another one's sake. The number of a pod that
has gone is free again, and the least free one is given first: the partitions of the broker that had it are waiting.
"""
import json
import os

from tell import given, tell

app = json.loads(os.environ['KONTROL_LABELS'])['app']
pods = {pod['key'] + (pod.get('nonce') or ''): pod for pod in given('PODS', '[]') if pod['app'] == app}
before = given('STATE', '{}').get('brokers', {})

brokers = {name: number for name, number in before.items() if name in pods}
for name in sorted(pods.keys() - brokers.keys(), key=lambda name: pods[name]['seq']):
    brokers[name] = min(set(range(1, len(pods) + 1)) - set(brokers.values()))
    tell(pods[name], 'WAIT start %d' % brokers[name])
print(json.dumps({'brokers': brokers}))
