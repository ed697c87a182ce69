/** Hands a text to the browser as a file. */
export const downloadText = (name: string, type: string, text: string): void => {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // What has begun goes on: the browser holds the blob by itself.
  setTimeout(() => URL.revokeObjectURL(url), 1_000);
};
