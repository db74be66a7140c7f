/* Times in the reader's language and on the reader's clock. */

export function Moment({ at, ...rest }) {
  const when = new Date(at * 1000);
  const today = when.toDateString() === new Date().toDateString();
  const short = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  if (!(at > 0)) return null;
  return (
    <time {...rest} dateTime={when.toISOString()} title={when.toLocaleString()}>
      {when.toLocaleString(undefined, short)}
    </time>
  );
}
