// The zerorpc package was written for zeromq 4, which no longer builds: hand it zeromq 6 behind its old interface.
const compat = require('zeromq/v5-compat')
require.cache[require.resolve('zeromq')].exports = compat

module.exports = require('zerorpc')
