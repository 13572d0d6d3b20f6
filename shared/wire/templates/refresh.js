(() => {
  const again = async () => {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      const shown = document.querySelector("main");
      const typing = document.activeElement && document.activeElement.matches("input, select, textarea");
      if (!fresh || typing || fresh.innerHTML === shown.innerHTML) return;
      const open = [...shown.querySelectorAll("details")].map((one) => one.open);
      fresh.querySelectorAll("details").forEach((one, place) => { one.open = open[place] === true; });
      shown.replaceWith(fresh);
    } finally {
      if (document.querySelector("main[data-running]")) setTimeout(again, 1500);
      else document.title = `${document.querySelector("h1").textContent} · modelgate`;
    }
  };
  if (document.querySelector("main[data-running]")) setTimeout(again, 1500);
})();
