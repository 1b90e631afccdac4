// The interactive documentation of openapi.json, which is beside this folder. "Authorize" takes an access token and keeps it in memory only.
const service = new URL("..", document.currentScript.src).href.replace(/\/$/, "");

async function show() {
  const answer = await fetch(`${service}/openapi.json`);
  if (!answer.ok) throw new Error(`openapi.json cannot be read: ${answer.status}`);
  SwaggerUIBundle({
    spec: { ...(await answer.json()), servers: [{ url: service }] },
    dom_id: "#docs",
    deepLinking: true,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    defaultModelsExpandDepth: 0,
    validatorUrl: null,
  });
}

show().catch((error) => {
  document.querySelector("#docs").textContent = `${error.message}. Reload the page to try again.`;
});
