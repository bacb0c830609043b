// Divides the table among simulated hospitals of different sizes and case mix, always in the same way: a large clinic to which
// hard cases are sent, and smaller ones that see few of them.
import { readFileSync, writeFileSync } from "node:fs";

const [source, folder] = process.argv.slice(2);
const HELD_OUT = 70;
const TEST = 120;
// Shares of the malignant and of the benign records that are left.
const HOSPITALS = [
  { malignant: 0.5, benign: 0.2 },
  { malignant: 0.2, benign: 0.3 },
  { malignant: 0.15, benign: 0.25 },
  { malignant: 0.1, benign: 0.15 },
  { malignant: 0.05, benign: 0.1 },
];

const names = ["malignant", "benign"];
const [, ...lines] = readFileSync(source, "utf8").trim().split("\n");
const records = lines.map((line) => {
  const cells = line.trim().split(",");
  const name = names[Number(cells.pop())];
  return { name, line: [...cells, name].join(",") };
});

// A linear congruential generator (Numerical Recipes): the same order on every machine.
let state = 1;
const below = (most) => {
  state = (Math.imul(1664525, state) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * most);
};
for (let place = records.length - 1; place > 0; place -= 1) {
  const other = below(place + 1);
  [records[place], records[other]] = [records[other], records[place]];
}

const write = (name, some) => writeFileSync(`${folder}/${name}.csv`, some.map(({ line }) => `${line}\n`).join(""));
write("held-out", records.slice(0, HELD_OUT));
write("test", records.slice(HELD_OUT, HELD_OUT + TEST));
const left = records.slice(HELD_OUT + TEST);
const of = Object.fromEntries(names.map((name) => [name, left.filter((record) => record.name === name)]));
const taken = { malignant: 0, benign: 0 };
HOSPITALS.forEach((shares, place) => {
  const some = names.flatMap((name) => {
    const last = place + 1 === HOSPITALS.length;
    const until = last ? of[name].length : taken[name] + Math.round(shares[name] * of[name].length);
    const part = of[name].slice(taken[name], until);
    taken[name] = until;
    return part;
  });
  write(`hospital-${place + 1}`, some);
  const malignant = some.filter((record) => record.name === "malignant").length;
  console.log(`  hospital ${place + 1}: ${some.length} records, ${malignant} of them malignant`);
});
