// Copied into .peers/node beside node_modules: an import from here finds the pinned packages.
export const load = async (name) => {
  const module = await import(name);
  return module.default ?? module;
};
