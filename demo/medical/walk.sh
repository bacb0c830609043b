#!/usr/bin/env bash
# A community of hospitals, from an idea to the first payout and a better model: every command that a steward, contributors, a
# builder, a buyer, a host, attestors and validators type, on a development chain. Prints what happened in plain words.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
here=$root/demo/medical
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"

act() { printf '\n%s\n' "$*"; }
say() { printf '  %s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# Waits until a program has said something in its log, and prints the first match.
heard() {
  local log=$1 pattern=$2
  for _ in $(seq 300); do
    if grep -oE "$pattern" "$log" 2>/dev/null | head -n 1 | grep . ; then return; fi
    sleep 0.1
  done
  cat "$log" >&2
  fail "nothing like '$pattern' was said"
}

# The word that follows another one.
after() { sed -n "s/.*$1 \([^ ,]*\).*/\1/p" | head -n 1; }

act '1. A development chain, and Tributary on it'
"$root/node_modules/.bin/anvil" --port 0 --accounts 12 >anvil.log 2>&1 &
rpc=http://$(heard anvil.log '127\.0\.0\.1:[0-9]+')
mapfile -t keys < <(grep -oE '0x[0-9a-f]{64}' anvil.log)
mapfile -t accounts < <(grep -oE '0x[0-9a-fA-F]{40}\b' anvil.log | head -n 12)
export TRIBUTARY_RPC=$rpc TRIBUTARY_DATA=$work/data TRIBUTARY_ADMIN_TOKEN=of-the-demo-alone
steward=0 builder=1 host=2 attestors=(3 4 5) buyer=6 hospitals=(7 8 9 10 11)
# Runs a command as somebody.
as() { local who=$1; shift; TRIBUTARY_KEY=${keys[$who]} "$root/target/release/tributary" "$@"; }
# The same beside this script, which stops it: in a shell of its own, whose place the program takes.
beside() { local who=$1; shift; TRIBUTARY_KEY=${keys[$who]} exec "$root/target/release/tributary" "$@"; }
chain() { node "$here/chain.mjs" "$rpc" "$@"; }
as $steward deploy --demo-dollar >deployed.txt
dollar=$(sed -n 's/^\(0x[0-9a-fA-F]*\)  DemoDollar.*/\1/p' deployed.txt)
say "chain at $rpc; the contracts stand, and a dollar of development chains at $dollar"

act '2. Five hospitals pool what they know of 569 breast masses (simulated hospitals, real records)'
node "$here/hospitals.mjs" "$root/bench/data/breast_cancer.csv" "$work"
for member in "${hospitals[@]}" $buyer; do echo "${accounts[$member]}"; done >members.txt
as $steward dataset create --name 'breast masses' --schema "$here/schema.toml" --terms "$here/terms.txt" \
  --members members.txt --validators 2 --validators-bps 2000 --held-out held-out.csv >dataset.txt
dataset=$(after dataset <dataset.txt)
say "dataset $dataset, for the hospitals and a clinic alone; its charter and its held-out records are committed on chain"
beside $steward dataset serve --listen 127.0.0.1:0 >dataset.log 2>&1 &
office=$(heard dataset.log 'http://127\.0\.0\.1:[0-9]+')
number=0
for hospital in "${hospitals[@]}"; do
  number=$((number + 1))
  as "$hospital" dataset contribute --host "$office" --records "hospital-$number.csv" --bundle "bundle-$number" >/dev/null 2>&1
done
say "each signed a consent, committed, and sent its records to $office"
as $steward dataset snapshot --held-out held-out.csv | sed 's/^/  /'
say "held are records unlike all others of their class; a curator may rule them in (tributary dataset rule)"

act '3. A builder trains, measures and releases a model'
as $steward dataset grant --to "${accounts[$builder]}" >/dev/null
as $builder train --recipe "$here/recipe.toml" --held-out held-out.csv --test test.csv --audit 8 --hold-outs 5 \
  --frontier 0.001,0.003,0.03 --purpose 'Telling malignant from benign masses by measurements, as a second opinion.' \
  --limit 'Its hospitals are simulated: one clinic'"'"'s real records were divided among five.' 2>/dev/null
# Some rows of the model card, with hospitals by their numbers.
card() {
  local rows number=0
  rows=$(grep -E "$1" data/release/card.md)
  for hospital in "${hospitals[@]}"; do
    number=$((number + 1))
    rows=${rows//"\`${accounts[$hospital]}\`"/hospital $number}
  done
  sed 's/^/    /' <<<"$rows"
}
say 'against what is trivial: by | model | other | difference'
card '^\| trivial baseline'
say 'by class: records | accuracy'
card '^\| class: '
say 'on the records of each hospital: a model that was trained without them | the full model | difference'
card '^\| `0x'
say 'what attributability costs: weight decay | accuracy | contributor LDS'
card '^\| 0\.0'
beside $host serve --token "$dollar" --releases data/releases --data host --listen 127.0.0.1:0 >host.log 2>&1 &
url=$(heard host.log 'http://127\.0\.0\.1:[0-9]+')
say "a host that has nothing to serve yet looks into the store of releases"
cat >plan.toml <<PLAN
name = "second opinion"
host = "${accounts[$host]}"
curators = "${accounts[$steward]}"

[attestation]
attestors = ["${accounts[${attestors[0]}]}", "${accounts[${attestors[1]}]}", "${accounts[${attestors[2]}]}"]
window = 60

[required]
accuracy = 0.9
PLAN
sed "s/^token = .*/token = \"$dollar\"/" "$here/offers.toml" >offers.toml
as $builder release --plan plan.toml --terms offers.toml >model.txt
sed '/^$/,$d' model.txt
grep '^offer ' model.txt | sed 's/^/  /'
model=$(tail -n 1 model.txt | after model) vault=$(tail -n 1 model.txt | after vault)
say "its lineage, from the chain alone:"
as $buyer lineage "$model" | sed 's/^/  /'

act '4. A clinic buys a license and asks'
heard host.log "a model is served.*$model" >/dev/null
say "the host has found the model by itself, and serves it at $url"
offer=$(sed -n 's/^offer \([0-9]*\): Clinic.*/\1/p' model.txt)
say "offer $offer, as the clinic reads it on chain:"
as $buyer license show "$offer" | sed 's/^/    /'
chain read "$url/v1/models/$model/page" >page.md
say "the page that the host shows buyers has $(wc -l <page.md) lines; on who is paid:"
sed -n '/^## Who is paid/,/^## /{/^| /p}' page.md | sed 's/^/    /'
chain mint "$dollar" "${accounts[$buyer]}" 1000000000
license=$(as $buyer license buy "$offer" | after license)
# A buyer knows classes by their numbers, as the model answers them. What the clinic asks about is half of the test records.
head -n 60 test.csv >clinic.csv
tail -n +61 test.csv >test-2.csv
sed 's/malignant$/0/; s/benign$/1/' clinic.csv >asked.csv
as $buyer ask --host "$url" --license "$license" --model "$model" --records asked.csv --count 60 --keep answers.jsonl >answers.txt
right=$(grep -c 'class \([01]\) (label \1)' answers.txt || true)
say "$(wc -l <answers.txt) answers, $right as the laboratory had it; the first: $(head -n 1 answers.txt | cut -c1-150)"

act '5. The epoch is closed, attested by two of three, and paid'
chain wait 86400
as $host epoch close --host "$url" >closed.txt
batch=$(sed -n 2p closed.txt)
deadline=$(($(date +%s) + 30 * 86400))
for number in 0 1; do
  as "${attestors[$number]}" epoch attest --batch "$batch" --deadline "$deadline" >"attested-$number.json"
done
as $host epoch post attested-0.json attested-1.json | sed 's/^/  /'
chain wait 60
total=0 number=0
for hospital in "${hospitals[@]}"; do
  number=$((number + 1))
  as "$hospital" claim --host "$url" --epoch 1 --vault "$vault" --token "$dollar" >/dev/null
  paid=$(chain balance "$dollar" "${accounts[$hospital]}")
  total=$((total + paid))
  records=$(wc -l <"hospital-$number.csv")
  say "hospital $number: $records records, paid $((paid / 1000000)).$(printf %06d $((paid % 1000000))) dUSD"
done
as $buyer audit --batch "$batch" >audit.txt
grep -q 'MATCHES' audit.txt || fail 'the audit found something else'
say "an audit with nothing but the chain and the batch gives the same root"
# The pool's share of the whole price was earned at once; dust stays.
[ "$total" -gt 599999000 ] && [ "$total" -le 600000000 ] || fail "the hospitals were paid $total base units"
say "of 1,000 dUSD the hospitals got $((total / 1000000)).$(printf %06d $((total % 1000000)))"

act '6. The clinic gives its cases, those among them that the model got wrong, and validators look at them'
as $buyer dataset correct --host "$office" --records clinic.csv --bundle clinic --answers answers.jsonl >corrected.txt 2>/dev/null
sed '$!d; s/^/  /' corrected.txt
as $steward dataset screen --held-out held-out.csv >/dev/null
validators=("${hospitals[0]}" "${hospitals[1]}")
for validator in "${validators[@]}"; do
  as $steward dataset grant --to "${accounts[$validator]}" --purposes curate >/dev/null
  as "$validator" dataset held --host "$office" >held.txt
  awk '/^record / { place = $2; contribution = $4 } /^    answer / { print place, contribution }' held.txt | sort -u >corrections.txt
  while read -r place contribution; do
    as "$validator" dataset review --host "$office" --contribution "$contribution" --place "$place" --accept \
      --reason 'The laboratory has confirmed it.' >/dev/null
  done <corrections.txt
done
say "two hospitals who may curate have reviewed $(wc -l <corrections.txt) corrections"
as $steward dataset snapshot --held-out held-out.csv | sed 's/^/  /'
as $steward withdraw --vault "$vault" --token "$dollar" >/dev/null
say 'a fifth of what the curators earned is the validators'"'"', by reviews that the snapshot bore out (base units of the dollar):'
as $steward dataset pay-validators --token "$dollar" --vault "$vault" | sed 's/^/    /'

act '7. The next version of the model is made of it'
as $builder train --recipe "$here/recipe.toml" --held-out held-out.csv --test test-2.csv --audit 8 2>/dev/null
as $builder release --plan plan.toml --terms offers.toml >second.txt
sed -n '/what is published/,/^$/p' second.txt | sed '/^$/d'
grep '^offer ' second.txt | sed 's/^/  /'
# It answers from the next epoch on.
heard host.log 'serves from the next epoch on' >/dev/null
chain wait 86400
as $host epoch close --host "$url" >closed.txt
heard host.log 'another release serves now' >/dev/null
as $buyer ask --host "$url" --license "$license" --model "$model" --records asked.csv --count 1 >answer.txt
say "the host has changed to it between two epochs, and was not restarted: $(cut -c1-60 answer.txt)…"
[ "$(tail -n 1 second.txt | after version)" = 2 ] || fail 'it is not the second version'
