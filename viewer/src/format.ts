// What is wrong with an answer that came whole but cannot be read.

/** Its message is a sentence for the reader of the page. */
export class FormatError extends Error {
  override readonly name = "FormatError";
}
