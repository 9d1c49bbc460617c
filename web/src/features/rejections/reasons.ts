import type { Rejection } from "./api/get-rejections";

/** Why something was not kept, in words for who runs the server. */
export interface Explanation {
  title: string;
  /** What happened. */
  what: string;
  /** What to do about it. */
  todo: string;
}

const SMALLER_BATCHES = "Send smaller batches, for example with OTEL_BSP_MAX_EXPORT_BATCH_SIZE=128";
const CLOCK =
  "Check that the sender's clock is right and that its times are nanoseconds since 1970, not micro- or milliseconds.";

export const EXPLANATIONS: Record<Rejection["reason"], Explanation> = {
  bad_trace_id: {
    title: "No valid trace id",
    what: "A trace id is 16 bytes and not all zero; these had none.",
    todo: "Send each signal to its own address: logs posted to /v1/traces look like this. In JSON, ids are hexadecimal.",
  },
  bad_span_id: {
    title: "No valid span id",
    what: "A span id is 8 bytes and not all zero; these had none.",
    todo: "Send each signal to its own address: logs posted to /v1/traces look like this. In JSON, ids are hexadecimal.",
  },
  too_old: {
    title: "Older than what is kept",
    what: "They began before the time for which mcp-obs keeps data.",
    todo: CLOCK,
  },
  in_future: {
    title: "From the future",
    what: "Their time is more than an hour ahead of mcp-obs's clock.",
    todo: CLOCK,
  },
  no_name: {
    title: "No name",
    what: "A metric without a name can't be found again.",
    todo: "Name the instrument where the meter creates it.",
  },
  no_value: {
    title: "Nothing in it",
    what: "The data points had no value, or the log records no time, text or attributes.",
    todo: "Check what the exporter sends, above all one that is not an OpenTelemetry SDK's own.",
  },
  bad_buckets: {
    title: "Buckets don't fit",
    what: "A histogram's buckets and their bounds contradict each other, or there are too many.",
    todo: "Give the view or instrument bounds that increase, and fewer of them; the answer below says which rule was broken.",
  },
  bad_quantile: {
    title: "Quantiles don't fit",
    what: "A summary's quantiles are not between 0 and 1, or there are too many.",
    todo: "Check what makes the summaries; histograms serve better.",
  },
  malformed: {
    title: "Not OTLP",
    what: "The body was not the message that its address and its Content-Type promise.",
    todo: "Check that an OpenTelemetry exporter for OTLP sends it, to the address of its signal. The answer below says what was found.",
  },
  slow: {
    title: "Came too slowly",
    what: "The body was not there in full after 30 seconds.",
    todo: `Check the network in between. ${SMALLER_BATCHES}.`,
  },
  too_large: {
    title: "Too large",
    what: "The body, as sent or unpacked, is over what is taken in at once.",
    todo: `${SMALLER_BATCHES}, or raise the limit that the answer below names.`,
  },
  unsupported_media: {
    title: "Unknown encoding",
    what: "Exports come as protobuf or JSON, plain or in gzip.",
    todo: "Set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf and no compression but gzip.",
  },
  rate_limited: {
    title: "Faster than the key may send",
    what: "The API key was over its bytes per second. Exporters were told when to try again, and do.",
    todo: "If it goes on, send less, by sampling or with fewer attributes, or raise MCP_OBS_KEY_BYTES_PER_SECOND.",
  },
  quota: {
    title: "Over the day's quota",
    what: "Your organisation has sent what it may in a day. A new day begins at midnight UTC.",
    todo: "Send less, by sampling or with fewer attributes, or raise MCP_OBS_ORG_BYTES_PER_DAY.",
  },
  overloaded: {
    title: "mcp-obs was busy",
    what: "Too much was under way at once, or waiting for the disk. Exporters were told to try again, and do.",
    todo: "If it goes on, look at mcp-obs's log and its free disk space.",
  },
  failed: {
    title: "mcp-obs failed",
    what: "This is a defect of mcp-obs, not of the sender.",
    todo: "Its log says what happened; please report it.",
  },
  unreadable: {
    title: "Kept, and not to be seen",
    what: "mcp-obs accepted these exports, but its storage engine could not read them. They are kept in files.",
    todo: "Report the line of mcp-obs's log. The guide on operations says how a newer version takes the files in.",
  },
};
