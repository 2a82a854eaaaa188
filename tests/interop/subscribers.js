// k6: SUBSCRIBERS readers of the feed at FEED_URL, each until it has SEEN depth updates.
// A reader checks what a client has to rely on: hello first, the answer before any data, one
// snapshot, then updates each of which names the one before it.
import { WebSocket } from "k6/experimental/websockets";
import { check } from "k6";
import { Counter } from "k6/metrics";

const snapshots = new Counter("kitahama_snapshots");
const updates = new Counter("kitahama_updates");
const readers = Number(__ENV.SUBSCRIBERS);

export const options = {
  scenarios: {
    readers: { executor: "per-vu-iterations", vus: readers, iterations: 1, maxDuration: "40s" },
  },
  thresholds: { checks: ["rate==1"], kitahama_snapshots: [`count==${readers}`] },
};

export default function () {
  const socket = new WebSocket(__ENV.FEED_URL);
  let state = "hello";
  let last = 0;
  let seen = 0;
  socket.addEventListener("open", () => {
    socket.send(
      JSON.stringify({
        method: "subscribe",
        req_id: `k6-${__VU}`,
        params: { channels: [{ name: "depth", instrument_ids: ["ST01"] }] },
      }),
    );
  });
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (state === "hello") {
      check(message, { "hello comes first": (told) => told.channel === "status" && told.type === "hello" });
      state = "answer";
    } else if (state === "answer") {
      check(message, { "the answer comes next": (told) => told.ok === true && told.req_id === `k6-${__VU}` });
      state = "snapshot";
    } else if (message.channel === "depth" && state === "snapshot") {
      check(message, { "then one snapshot": (told) => told.type === "snapshot" && told.data.bids.length > 0 });
      snapshots.add(1);
      last = message.seq;
      state = "updates";
    } else if (message.channel === "depth") {
      check(message, { "every update follows the last": (told) => told.type === "update" && told.prev_seq === last });
      updates.add(1);
      last = message.seq;
      seen += 1;
      if (seen === Number(__ENV.SEEN)) {
        socket.close();
      }
    }
  });
  socket.addEventListener("error", (event) => {
    check(event, { "no error": () => false });
  });
}
