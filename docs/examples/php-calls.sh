#!/bin/sh
# Traces a small PHP program with Debian's unmodified php8.2 and prints its call tree.
cd "$(dirname "$0")/../.."
echo "+ USE_ZEND_DTRACE=1 wastap docs/examples/php-calls.stp -c 'php8.2 docs/examples/php-calls.php'"
USE_ZEND_DTRACE=1 node dist/bundle/wastap.cjs docs/examples/php-calls.stp -c 'php8.2 docs/examples/php-calls.php'
