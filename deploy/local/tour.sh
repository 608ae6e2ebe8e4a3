#!/usr/bin/env bash
# The tour of the README from end to end, each answer checked: a vendor that misbehaves on demand, and a
# Leeward in front of it. Needs bash, curl and the ports 4100, 4101, 4102 and 4199 of loopback; takes half a
# minute once everything is built. LEEWARD=path runs another binary than the one that it builds.
set -euo pipefail
cd "$(dirname "$0")/../.."

egress=http://127.0.0.1:4100
admin=http://127.0.0.1:4101
telemetry=http://127.0.0.1:4102
vendor=http://127.0.0.1:4199
socket=/tmp/leeward-local-admin.sock
patience=30 # seconds that a condition may take to come true

work=$(mktemp -d)
started=()

cleanup() {
    local status=$?
    for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
    if [ "$status" != 0 ]; then
        echo "-- the sidecar's log:" >&2
        cat "$work/leeward.log" >&2 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT

step() { echo; echo "== $*"; }

fail() {
    echo "tour: $*" >&2
    [ ! -f "$work/answer" ] || sed 's/^/    /' "$work/answer" >&2
    exit 1
}

# call CURL-ARGUMENT…: the answer, head and body, in $work/answer; its status in $status.
call() {
    local shown="   curl" argument
    for argument in "$@"; do
        case $argument in
        *[!A-Za-z0-9:/._-]*) shown+=" '$argument'" ;;
        *) shown+=" $argument" ;;
        esac
    done
    echo "$shown"
    status=$(curl -sS -i --max-time 20 -o "$work/answer" -w '%{http_code}' "$@") || fail "curl failed: $*"
}

# says STATUS PATTERN…: what the last answer must be. A pattern is extended, case is ignored.
says() {
    [ "$status" = "$1" ] || fail "expected status $1, got $status"
    shift
    for pattern in "$@"; do
        grep -qiE -- "$pattern" "$work/answer" || fail "expected to find: $pattern"
    done
    sed -nE '1p; /^(leeward-(error|source|attempts)|retry-after|age):/Ip' "$work/answer" | tr -d '\r' | sed 's/^/      /'
    sed '1,/^\r*$/d' "$work/answer" | head -c 300 | sed 's/^/      /'
    echo
}

# until_true COMMAND…: tries until it succeeds.
until_true() {
    local end=$((SECONDS + patience))
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || fail "did not come true within $patience s: $*"
        sleep 0.2
    done
}

command -v curl >/dev/null || { echo "tour: needs curl" >&2; exit 1; }

step "build"
cargo build --quiet --locked -p leeward-vendors --example vendor
if [ -z "${LEEWARD:-}" ]; then
    cargo build --quiet --locked -p leeward
fi
target=${CARGO_TARGET_DIR:-target}
leeward=${LEEWARD:-$target/debug/leeward}

# Of a copy, for the tour edits a file.
config=$work/config
cp -r deploy/local "$config"

step "the configuration is checked"
"$leeward" check --config deploy/local

step "the vendor and the sidecar start"
"$target/debug/examples/vendor" --serve >"$work/vendor.log" 2>&1 &
started+=($!)
"$leeward" run --config "$config" 2>"$work/leeward.log" &
sidecar=$!
started+=("$sidecar")
until_true curl -sf "$telemetry/readyz"
until_true grep -q '"message":"listening"' "$work/leeward.log"
kill -0 "$sidecar" || fail "the sidecar did not start"
grep '"message":"listening"' "$work/leeward.log"

step "without an account nothing is sent"
call "$egress/proxy/crm/contacts/7"
says 404 '^leeward-error: unknown_account' '^leeward-attempts: 0' '"code":"unknown_account"'

step "an account is connected: a person agrees, and the application hands the grant over"
grant=$(curl -sSf -X POST "$vendor/log-in")
token=$(sed -E 's/.*"access_token":"([^"]+)".*/\1/' <<<"$grant")
call --unix-socket "$socket" -X PUT http://admin/accounts/acme -d "{\"provider\":\"crm\",\"credentials\":$grant}"
says 201 '"status":"active"'
if grep -q "$token" "$work/answer"; then fail "the admin API shows a credential"; fi
call -X DELETE "$admin/accounts/acme"
says 401 '"code":"unauthorized"'

step "the application calls without a credential"
call "$egress/proxy/crm/contacts/7"
says 200 '^leeward-source: live' '^leeward-account: acme' '"id":"7"'

step "the token of 4 s is over, and nobody notices"
token_is_over() { [ "$(curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $token" "$vendor/v3/contacts/7")" = 401 ]; }
until_true token_is_over
call "$egress/proxy/crm/contacts/7"
says 200 '"id":"7"'
call "$admin/accounts/acme"
says 200 '"status":"(active|refreshing)"' '"refreshed_at":"2' '"version":([2-9]|[0-9]{2,})'

step "an answer that breaks off is asked for again"
if curl -sS -o /dev/null -H "Authorization: Bearer $(curl -sSf -X POST "$vendor/log-in" | sed -E 's/.*"access_token":"([^"]+)".*/\1/')" \
    "$vendor/v3/contacts/13" 2>"$work/torn"; then
    fail "the vendor's answer did not break off"
fi
echo "      directly: $(cat "$work/torn")"
# The vendor breaks off every other answer: this one is whole, the next is not.
call "$egress/proxy/crm/contacts/13"
says 200 '"id":"13"'
call "$egress/proxy/crm/contacts/13"
says 200 '^leeward-attempts: 2' '"id":"13"'

step "a limit that is told with a 403 is a 429, and is not asked about again"
call "$egress/proxy/crm/export"
says 200 '"exported":25'
call "$egress/proxy/crm/export"
says 429 '^retry-after: [1-5]' '^leeward-error: rate_limited' '^leeward-attempts: 1' '"upstream_status":403' '"scope":"export"'
call "$egress/proxy/crm/export"
says 429 '^retry-after: [1-5]' '^leeward-attempts: 0'
call "$admin/limits"
says 200 '"scope":"export"'
call "$egress/proxy/crm/contacts/7"
says 200 '"id":"7"'

step "one shape for two vendors"
call -H 'Leeward-Account: acme' "$egress/unified/crm/contacts?limit=2"
says 200 '"data":\[\{"id":"1","first_name":"Grace"' '"next_cursor":"' '"source":"live"'
cursor=$(sed -nE 's/.*"next_cursor":"([^"]+)".*/\1/p' "$work/answer")
call -H 'Leeward-Account: acme' "$egress/unified/crm/contacts?limit=2&cursor=$cursor"
says 200 '"id":"3"' '"id":"4"'
call -H 'Leeward-Account: people-local' "$egress/unified/crm/contacts?limit=2"
says 200 '"data":\[\{"id":"1","first_name":"Grace"' '"updated_at":"2026-01-01T00:00:00'
call -H 'Leeward-Account: acme' "$egress/unified/crm/contacts/7"
says 200 '"first_name":"Edsger"' '"source":"live"'
call -H 'Leeward-Account: people-local' "$egress/unified/crm/contacts/99"
says 404 '^leeward-error: upstream_error' '"reason":"not_found"' '"upstream_body":'
call "$egress/unified/crm/contacts/7"
says 400 '"code":"ambiguous_provider"'

step "the vendor goes away: reads go on, writers are told when to come again"
call -X POST "$vendor/outage"
says 200 '"away":true'
call "$egress/proxy/crm/contacts/7"
says 502 '^leeward-error: upstream_unreachable'
circuit_is_open() {
    curl -sS -i -o "$work/answer" "$egress/proxy/crm/contacts/7"
    grep -qi '^leeward-error: circuit_open' "$work/answer" && grep -qi '^leeward-attempts: 0' "$work/answer"
}
until_true circuit_is_open
status=503
says 503 '^retry-after: [0-9]' '"code":"circuit_open"'
call "$admin/breakers"
says 200 '"state":"(open|half_open)"'
call -H 'Leeward-Account: acme' "$egress/unified/crm/contacts/7"
says 200 '^leeward-source: cache' '^age: [0-9]' '"first_name":"Edsger"'

step "it comes back"
call -X POST "$vendor/recovery"
says 200 '"away":false'
until_true curl -sf "$egress/proxy/crm/contacts/7"
call "$egress/proxy/crm/contacts/7"
says 200 '^leeward-source: live'

step "a changed file is in force within two seconds, a broken one is not"
version=$(sed -nE 's/^leeward-config: ([0-9a-f]+).*/\1/Ip' "$work/answer")
echo 'headers: {X-Tour: "yes"}' >>"$config/providers/crm.yaml"
config_moved() { ! curl -sS -i "$egress/proxy/crm/contacts/7" | grep -qi "^leeward-config: $version"; }
until_true config_moved
echo 'retry: {max_attemps: 3}' >>"$config/providers/crm.yaml"
fault_is_seen() { curl -sSf "$admin/providers" | grep -q 'did you mean `max_attempts`'; }
until_true fault_is_seen
call "$admin/providers"
says 200 'crm.yaml:[0-9]+:[0-9]+: unknown key `max_attemps`'
call "$egress/proxy/crm/contacts/7"
says 200 '"id":"7"'

step "what was counted"
curl -sSf "$telemetry/metrics" >"$work/metrics"
for metric in leeward_requests_total leeward_rate_limited_total leeward_token_refreshes_total \
    leeward_breaker_transitions_total leeward_retries_total leeward_config_reload_failures_total; do
    grep -E "^$metric[{ ]" "$work/metrics" | head -n 2 | sed 's/^/      /' || fail "no metric $metric"
done
if grep -qE 'acme|people-local|contacts/7' "$work/metrics"; then fail "an account or a path is in the metrics"; fi

step "a recorded answer is explained"
"$leeward" explain --config deploy/local --provider crm --response deploy/local/recorded/too-fast.json >"$work/answer"
grep -q '"rule": "one-export"' "$work/answer" || fail "the rule was not found"
grep -q '"retry_after": 5' "$work/answer" || fail "another wait"

step "a mapping is tried"
"$leeward" map --config deploy/local --model crm/contacts --provider people --operation get --phase response \
    --input deploy/local/recorded/person.json >"$work/answer"
grep -q '"first_name": "Edsger"' "$work/answer" || fail "another record"

step "SIGTERM ends it without a loss"
kill -TERM "$sidecar"
code=0
wait "$sidecar" || code=$?
[ "$code" = 0 ] || fail "exit code $code"
if grep -qE "$token|local-people-key" "$work/leeward.log"; then fail "a secret is in the log"; fi
echo "   exit code 0"

echo
echo "tour: all answers were as the README says"
