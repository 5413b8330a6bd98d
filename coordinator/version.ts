// The version of heartmesh that runs; a test holds it to package.json, which is not beside every build.

export const version = "0.1.0";
