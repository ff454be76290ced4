#!/bin/sh
# Certificates for the nodes of the search cluster, made once, of an authority whose key is thrown away at the end:
# nobody, not even we, can sign another with it.
#
#   certificates.sh FOLDER_OF_THE_NODES FOLDER_OF_THE_CLIENTS
set -eu
nodes=$1 clients=$2
names="DNS:search-1,DNS:search-2,DNS:search-3,DNS:localhost,IP:127.0.0.1"
days=825

if [ -s "$nodes/node.pem" ] && [ -s "$nodes/node-key.pem" ] && cmp -s "$nodes/ca.pem" "$clients/ca.pem"; then
    echo "The certificates are there already."
    exit 0
fi

umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
openssl req -x509 -newkey rsa:3072 -noenc -sha256 -days "$days" -subj "/CN=playhead-search-authority" \
    -addext "keyUsage=critical,keyCertSign,cRLSign" -keyout ca-key.pem -out ca.pem 2>log || { cat log >&2; exit 1; }
openssl req -newkey rsa:3072 -noenc -subj "/CN=playhead-search" -keyout node-key.pem -out node.csr 2>log ||
    { cat log >&2; exit 1; }
cat >extensions <<EXTENSIONS
basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyEncipherment
extendedKeyUsage=serverAuth,clientAuth
subjectAltName=$names
EXTENSIONS
openssl x509 -req -in node.csr -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days "$days" -sha256 \
    -extfile extensions -out node.pem 2>log || { cat log >&2; exit 1; }

cp ca.pem "$clients/ca.pem"
cp ca.pem node-key.pem "$nodes/"
cp node.pem "$nodes/node.pem" # the last, so that what is not whole is made again
chmod 755 "$nodes" "$clients"
chmod 644 "$nodes/ca.pem" "$nodes/node.pem" "$clients/ca.pem"
chmod 600 "$nodes/node-key.pem"
if [ "$(id -u)" = 0 ]; then
    chown 1000:1000 "$nodes"/*.pem "$clients"/*.pem # as who OpenSearch and Playhead run in their containers
fi
echo "New certificates, for $days days: $names"
