// Calls `use`; its error names the file.
export async function named(name, use) {
  try {
    return await use();
  } catch (error) {
    throw new Error(`${name} is missing or damaged (${error.message}). Reload the page.`);
  }
}
