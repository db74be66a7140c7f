/* Times in the reader's language and on the reader's clock. */

/* When something was or will be: short, or with `full` such that nobody takes it for another day. */
export function Moment({ at, full, ...rest }) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const short = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  const style = full ? { dateStyle: "full", timeStyle: "short" } : short;
  if (!(at > 0)) return null;
  return (
    <time {...rest} dateTime={when.toISOString()} title={when.toLocaleString()}>
      {when.toLocaleString(undefined, style)}
    </time>
  );
}
